#include "app/options/keys.hpp"

#include <utility>

#include "app/options/values.hpp"
#include "moerae/reduce/names.hpp"

namespace moerae {
namespace {

using namespace kind;

// `member` maps a Study& to the field and a Study const& to the constant field.
template <class Target, class Kind, class Member>
Key<Target> key(std::string name, Use use, Kind kind, Member member, std::string help) {
  return {std::move(name),
          use,
          std::move(help),
          kind.expects(),
          [=](Target& target, std::string const& text, std::filesystem::path const& base) {
            member(target) = kind.parse(text, base);
          },
          [=](Target const& target) { return kind.print(member(target)); },
          [=](Target const& target) { return kind.json(member(target)); }};
}

#define MOERAE_FIELD(field)  \
  [](auto& study) -> auto& { \
    return study.field;      \
  }
#define MOERAE_KEY(field, use, kind, help) key<Study>(#field, use, kind, MOERAE_FIELD(field), help)
#define MOERAE_SELECT_KEY(field, kind, help) \
  key<SelectOptions>(#field, reduces, kind, MOERAE_FIELD(field), help)

// Of `words`.
Word criteria(std::vector<std::string> const& words) {
  return {words,
          {"jailbreak_gap"},
          {{"js_debiased", "is what js is now, with the plug-in estimate as its divergence: give js"}}};
}

std::vector<std::string> ses_scores() {
  std::vector<std::string> all{"usage"};
  all.insert(all.end(), contrast_criteria().begin(), contrast_criteria().end());
  return all;
}

std::vector<std::string> select_criteria() {
  std::vector<std::string> all = one_group_criteria();
  all.insert(all.end(), safety_group_criteria().begin(), safety_group_criteria().end());
  all.insert(all.end(), contrast_criteria().begin(), contrast_criteria().end());
  return all;
}

std::vector<FormerWord> former_logits() {
  std::vector<FormerWord> all;
  for (auto const* word : {"true", "yes", "on", "1"}) all.push_back({word, "is now all, or last"});
  for (auto const* word : {"false", "no", "off", "0"}) all.push_back({word, "is now none"});
  return all;
}

// What keys are to the stages.
constexpr Stages computing = stage::record | stage::evaluate, laid_out = stage::plan | computing,
                 in_run = computing | stage::reduce | stage::verify;
constexpr Use everywhere{in_run, stage::none, in_run},
    seed{computing | stage::reduce, stage::reduce | stage::evaluate},
    model{laid_out, computing, laid_out, "model"}, corpus{laid_out, computing, computing, "corpus"},
    computes{laid_out, computing}, records{stage::plan | stage::record, stage::record}, planned{laid_out},
    read_while_computing{computing}, evaluates{stage::evaluate, stage::evaluate},
    read_by_evaluate{stage::evaluate}, reduces{stage::reduce, stage::reduce}, read_by_reduce{stage::reduce};

// clang-format off
std::vector<Key<Study>> make_study_keys() {
  Integer<std::int64_t> const positive{1};
  Word const positions{position_names()};
  Word ses_positions{{""}};
  ses_positions.words.insert(ses_positions.words.end(), positions.words.begin(), positions.words.end());
  return {
    MOERAE_KEY(run.dir, everywhere, Path{}, "run directory: everything the study writes"),
    MOERAE_KEY(run.seed, seed, Integer<std::uint64_t>{0}, "key of all random draws"),
    MOERAE_KEY(run.from, read_by_reduce, Path{}, "another run directory whose record `reduce` reads; empty: that of run.dir"),
    MOERAE_KEY(run.wall_limit, read_while_computing, (Optional<Number>{{.above = 0}, ""}),
               "seconds after which `record` and `evaluate` stop at the next batch and can be resumed (exit 75); empty: none"),

    MOERAE_KEY(model.path, model, Path{}, "checkpoint folder: config.json and *.safetensors, Hugging Face layout"),
    MOERAE_KEY(model.dtype, computes, (Word{{"auto", "float32", "bfloat16"}}), "arithmetic of the forward pass; auto: that of the checkpoint"),
    MOERAE_KEY(model.device, planned, (Word{{"auto", "cpu"}, {"cuda"}}), "where the model runs"),
    MOERAE_KEY(model.schedule, planned, (Word{{"resident"}, {"layer-major"}}), "the weights of a rank's own experts stay in memory"),

    MOERAE_KEY(grid.expert, computes, Integer<int>{1}, "ranks of one expert group, each with its share of every layer's experts; data width = ranks / expert"),
    MOERAE_KEY(grid.exchange, computes, (Word{{"dispatch"}, {"gather"}}), "tokens travel to the experts"),

    MOERAE_KEY(corpus.path, corpus, Path{}, "corpus.h5, made by `python -m moerae corpus`"),
    MOERAE_KEY(corpus.sets, records, List<SetName>{}, "prompt sets to record; empty: all"),

    MOERAE_KEY(record.routing, records, Flag{}, "keep expert ids and gate weights of every token"),
    MOERAE_KEY(record.logits, records, (Choice{logits_words, former_logits()}), "keep the router logits of all experts: of nobody, of the last token before the reply, of all tokens (large)"),
    MOERAE_KEY(record.precision, computes, (Word{{"auto", "float16", "float32"}}), "of stored weights and logits; auto: float32 in float32 runs, else float16"),
    MOERAE_KEY(record.batch_tokens, records, positive, "tokens of one forward pass"),
    MOERAE_KEY(record.shard_prompts, records, positive, "prompts of one shard file, the unit that is committed and resumed"),

    MOERAE_KEY(ses.regular, reduces, SetName{}, "set of plainly harmful prompts; with ses.jailbreak HCDG and HRCG are formed"),
    MOERAE_KEY(ses.jailbreak, reduces, SetName{}, "set of the same goals in jailbreak wrappers"),
    MOERAE_KEY(ses.benign, reduces, SetName{}, "harmless set: subtracted from HCDG, and split in halves for the noise floor"),
    MOERAE_KEY(ses.sets, reduces, List<SetName>{}, "further sets to score; with none of the four, every set of the run"),
    MOERAE_KEY(ses.positions, reduces, ses_positions, "positions of usage (SES, ESFT, matching of controls); empty: contrast.positions"),
    MOERAE_KEY(ses.score, reduces, (Word{ses_scores()}), "what the top N of a resample is taken of: usage of each set; a contrast: also its score for each pair of contrast.groups"),
    MOERAE_KEY(ses.resample, reduces, (Choice{resampling_words, {{"half", "has no better bound than its pairs: give complementary"}}}), "of clusters; complementary: pairs of disjoint halves"),
    MOERAE_KEY(ses.samples, reduces, (Integer<std::int64_t>{2, 10'000'000}), "resamples; complementary pairs count as two"),
    MOERAE_KEY(ses.alpha, reduces, (Optional<Number>{{.above = 0, .most = 1}, "auto"}), "top N = floor(alpha K + 1e-9) of K experts; auto: max(k, floor(.1 K)), for a contrast as many as keep the bound at one chance selection"),
    MOERAE_KEY(ses.scope, reduces, (Optional<Choice<Scope, 2>>{{scope_words}, "auto"}), "top N of each layer, or of all layers together; auto: layer for usage, model for a contrast"),
    MOERAE_KEY(ses.threshold, reduces, (Number{.above = 0.5, .most = 1}), "selected: in the top N of at least this share of the resamples"),
    MOERAE_KEY(ses.preset, reduces, (Word{{"", "paper"}}), "paper: bootstrap, strict intersection (threshold 1) and plain set difference, as published"),

    MOERAE_KEY(contrast.criteria, reduces, List<Word>{criteria(contrast_criteria())}, "criteria that compare two groups; empty: all that the sets allow, where contrast.groups is given"),
    MOERAE_KEY(contrast.groups, reduces, List<Groups>{}, "the groups: a:b, positive scores mean more in a; a:b/c: more than in b and more than in c"),
    MOERAE_KEY(contrast.positions, reduces, positions, "positions of usage, and of contrasts that do not fix their own; content: user text and reply, prefill: all before the reply, last: the last of them"),
    MOERAE_KEY(contrast.count, reduces, positive, "experts of a contrast's default set"),
    MOERAE_KEY(contrast.permutations, reduces, (Integer<std::int64_t>{0, 10'000'000}), "relabellings of each permutation test; 0: scores without significance"),
    MOERAE_KEY(contrast.permute_within, reduces, (List<Word>{{{"topic", "length", "none"}}}), "clusters exchange labels within one topic and one eighth of the lengths; pairs swap"),

    MOERAE_KEY(reduce.clusters, reduces, Integer<std::int64_t>{0}, "clusters of each set at most, drawn by key; 0: all of the discovery split"),
    MOERAE_KEY(reduce.controls, reduces, (Integer<std::int64_t>{0, 10'000}), "matched random expert sets stored with every expert set"),
    MOERAE_KEY(reduce.memory, read_by_reduce, (Integer<std::int64_t>{1, 16'777'216}), "MiB of tables a rank may hold; larger ones are read in parts, results are the same"),

    MOERAE_KEY(evaluate.conditions, read_by_evaluate, List<ConditionText>{}, "what is done to the experts of a set, each beside its controls: mask:SET, steer+:SET, steer-:SET, force:SET, scale=FACTOR:SET; SET@N: its N best; SET is a set of the run or the path of a .json; none is always there"),
    MOERAE_KEY(evaluate.phase, evaluates, Choice{phase_words}, "tokens that conditions act on: before the reply, of the reply (as published for SAFEx), both"),
    MOERAE_KEY(evaluate.sets, evaluates, List<SetName>{}, "prompt sets that are answered; empty: all"),
    MOERAE_KEY(evaluate.split, evaluates, Choice{evaluated_splits}, "prompts that no expert was selected on; test: for the last look"),
    MOERAE_KEY(evaluate.max_new_tokens, evaluates, positive, "tokens of a reply at most"),
    MOERAE_KEY(evaluate.temperature, evaluates, (Number{.least = 0}), "of sampling; 0: greedy"),
    MOERAE_KEY(evaluate.top_p, evaluates, (Number{.above = 0, .most = 1}), "sampling takes the most probable tokens that together reach it"),
    MOERAE_KEY(evaluate.controls, read_by_evaluate, Integer<std::int64_t>{0}, "matched random sets of every condition, of those that `reduce` stored with its set"),
    MOERAE_KEY(evaluate.routing, evaluates, Flag{}, "keep expert ids and gate weights of every token of prompts and replies"),
    MOERAE_KEY(evaluate.sequences, evaluates, positive, "replies under way at once on a rank; its cache is taken before the first"),
    MOERAE_KEY(evaluate.batch_tokens, evaluates, positive, "tokens of one forward pass"),
    MOERAE_KEY(evaluate.shard_prompts, evaluates, positive, "prompts of one file; they are committed and resumed with those of their condition's first controls"),
  };
}

std::vector<Key<SelectOptions>> make_select_keys() {
  return {
    MOERAE_SELECT_KEY(criterion, criteria(select_criteria()), "what the experts are ranked by"),
    MOERAE_SELECT_KEY(set, SetName{}, "set of a one-group criterion (ses, esft_token, esft_gate)"),
    MOERAE_SELECT_KEY(groups, (Optional<Groups>{{}, "", ""}), "groups of a contrast; may be left out where contrast.groups names one pair only"),
    MOERAE_SELECT_KEY(count, (Optional<Integer<std::int64_t>>{{1}, ""}), "the n best"),
    MOERAE_SELECT_KEY(p, (Optional<Number>{{.above = 0, .most = 1}, ""}), "ESFT: share of each layer's score to be reached (published: token .2, gate .1)"),
    MOERAE_SELECT_KEY(threshold, (Optional<Number>{{.least = 0}, ""}), "score (SES: frequency) at least this; side says of which sign"),
    MOERAE_SELECT_KEY(side, (Choice{store::side_words}), "sign of the contrast that is looked for"),
  };
}
// clang-format on

#undef MOERAE_SELECT_KEY
#undef MOERAE_KEY
#undef MOERAE_FIELD

}  // namespace

std::vector<Key<Study>> const& study_keys() {
  static auto const keys = make_study_keys();
  return keys;
}

std::vector<Key<SelectOptions>> const& select_keys() {
  static auto const keys = make_select_keys();
  return keys;
}

std::vector<std::string> required_keys(Stages stage) {
  std::vector<std::string> names;
  for (auto const& key : study_keys())
    if (key.use.required & stage) names.push_back(key.name);
  return names;
}

std::vector<FormerKey> const& former_keys() {
  static std::vector<FormerKey> const keys{{"ses.bounds",
                                            "every selection states the unimodal bound; R's stabs gives "
                                            "others from its q, p, threshold and samples"}};
  return keys;
}

std::vector<LaterKey> const& later_keys() {
  static std::vector<LaterKey> const keys = [] {
    std::string_view const tune = "the stage `tune`";
    std::vector<LaterKey> rows;
    rows.push_back({"evaluate.keep", "dropping replies once they are judged"});
    for (auto name :
         {"tune.set", "tune.method", "tune.rank", "tune.alpha", "tune.learning_rate", "tune.steps",
          "tune.warmup_steps", "tune.batch_tokens", "tune.gradient_accumulation_steps", "tune.max_grad_norm",
          "tune.eval_steps", "tune.save_steps", "tune.retain"})
      rows.push_back({name, tune});
    return rows;
  }();
  return keys;
}

}  // namespace moerae
