#include "app/options/keys.hpp"

#include "moerae/attribute/keys.hpp"
#include "moerae/evaluate/keys.hpp"
#include "moerae/keys/values.hpp"
#include "moerae/tune/keys.hpp"

namespace moerae {
namespace {

using namespace kind;

std::vector<FormerWord> former_logits() {
  std::vector<FormerWord> all;
  for (auto const* word : {"true", "yes", "on", "1"}) all.push_back({word, "is now all, or last"});
  for (auto const* word : {"false", "no", "off", "0"}) all.push_back({word, "is now none"});
  return all;
}

// What keys are to the stages.
constexpr Stages computing = stage::record | stage::attribute | stage::evaluate | stage::tune,
                 laid_out = stage::plan | computing, in_run = computing | stage::reduce | stage::verify;
constexpr Use everywhere{in_run, stage::none, in_run},
    seed{stage::record | stage::evaluate | stage::reduce | stage::tune,
         stage::reduce | stage::evaluate | stage::tune},
    model{laid_out, computing, laid_out, "model"}, corpus{laid_out, computing, computing, "corpus"},
    computes{laid_out, computing},
    gridded{laid_out, computing & ~stage::tune},  // a training goes on on another grid, equal to rounding
    keeps_routing{stage::plan | stage::record | stage::evaluate, stage::record | stage::evaluate},
    adapted{laid_out & ~stage::tune, computing & ~stage::tune, stage::none, "adapter"},
    scaled{laid_out & ~stage::tune}, records{stage::plan | stage::record, stage::record}, planned{laid_out},
    read_while_computing{computing},
    read_from{stage::reduce | stage::attribute | stage::tune | stage::evaluate}, exports{stage::exports};

// clang-format off
std::vector<Key<RunOptions>> run_keys() {
  return {
      key("dir", &RunOptions::dir, everywhere, Path{}, "run directory: everything the study writes"),
      key("seed", &RunOptions::seed, seed, Integer<std::uint64_t>{0}, "key of all random draws"),
      key("from", &RunOptions::from, read_from, Path{}, "another run directory whose record `reduce` reads, and whose sets `tune` and `evaluate` take where run.dir has no reduction; empty: run.dir"),
      key("wall_limit", &RunOptions::wall_limit, read_while_computing, Optional<Number>{{.above = 0}, ""}, "seconds after which the stages that compute stop at the next batch and can be resumed (exit 75); empty: none"),
  };
}

std::vector<Key<ModelOptions>> model_keys() {
  return {
      key("path", &ModelOptions::path, model, Path{}, "checkpoint folder: config.json and *.safetensors, Hugging Face layout"),
      key("adapter", &ModelOptions::adapter, adapted, Path{}, "what `tune` made, put on the experts of the model in memory; empty: the model as it is"),
      key("adapter_scale", &ModelOptions::adapter_scale, scaled, Number{}, "how much of it is put on: 1 the tuned model, -1 its opposite"),
      key("dtype", &ModelOptions::dtype, computes, Word{{"auto", "float32", "bfloat16"}}, "arithmetic of the forward pass; auto: that of the checkpoint"),
      key("device", &ModelOptions::device, planned, Word{{"auto", "cpu"}, {"cuda"}}, "where the model runs"),
      key("schedule", &ModelOptions::schedule, planned, Word{{"resident"}, {"layer-major"}}, "the weights of a rank's own experts stay in memory"),
  };
}

std::vector<Key<GridOptions>> grid_keys() {
  return {
      key("expert", &GridOptions::expert, gridded, Integer<int>{1}, "ranks of one expert group, each with its share of every layer's experts; data width = ranks / expert"),
      key("exchange", &GridOptions::exchange, gridded, Word{{"dispatch"}, {"gather"}}, "tokens travel to the experts"),
  };
}

std::vector<Key<CorpusOptions>> corpus_keys() {
  return {
      key("path", &CorpusOptions::path, corpus, Path{}, "corpus.h5, made by `python -m moerae corpus`"),
      key("sets", &CorpusOptions::sets, records, List<SetName>{}, "prompt sets to record; empty: all"),
  };
}

std::vector<Key<RecordOptions>> record_keys() {
  return {
      key("routing", &RecordOptions::routing, records, Flag{}, "keep expert ids and gate weights of every token"),
      key("logits", &RecordOptions::logits, records, Choice{logits_words, former_logits()}, "keep the router logits of all experts: of nobody, of the last token before the reply, of all tokens (large)"),
      key("precision", &RecordOptions::precision, keeps_routing, Word{{"auto", "float16", "float32"}}, "of stored weights and logits; auto: float32 in float32 runs, else float16"),
      key("batch_tokens", &RecordOptions::batch_tokens, records, Integer<std::int64_t>{1}, "tokens of one forward pass"),
      key("shard_prompts", &RecordOptions::shard_prompts, records, Integer<std::int64_t>{1}, "prompts of one shard file, the unit that is committed and resumed"),
  };
}

std::vector<Key<ExportOptions>> export_keys() {
  return {
      key("format", &ExportOptions::format, exports, List<Choice<ExportFormat, 3>>{{export_formats}}, "one or several: merged: the checkpoint with the trained experts merged in; delta: the changed tensors alone; peft: a LoRA adapter for the transformers model"),
      key("before", &ExportOptions::before, exports, Path{}, "run with the judged replies of the model as it is, or the folder of one evaluation in it; empty: run.dir"),
      key("after", &ExportOptions::after, exports, Path{}, "the same of the tuned model (model.adapter): the two may differ in that and in the grid alone"),
      key("forbidden", &ExportOptions::forbidden, exports, List<SetName>{}, "prompt sets whose refusal must not fall: where that of one fell by more than 2 points nothing is exported; empty: all of the corpus but tune.retain_sets"),
  };
}
// clang-format on

std::vector<Key<Study>> make_study_keys() {
  std::vector<Key<Study>> all;
  join(all, "run", &Study::run, run_keys());
  join(all, "model", &Study::model, model_keys());
  join(all, "grid", &Study::grid, grid_keys());
  join(all, "corpus", &Study::corpus, corpus_keys());
  join(all, "record", &Study::record, record_keys());
  join(all, "ses", &Study::ses, ses_keys());
  join(all, "contrast", &Study::contrast, contrast_keys());
  join(all, "reduce", &Study::reduce, reduce_keys());
  join(all, "attribute", &Study::attribute, attribute_keys());
  join(all, "evaluate", &Study::evaluate, evaluate_keys());
  join(all, "tune", &Study::tune, tune_keys());
  join(all, "export", &Study::exported, export_keys());
  return all;
}

}  // namespace

std::vector<Key<Study>> const& study_keys() {
  static auto const keys = make_study_keys();
  return keys;
}

std::vector<std::string> required_keys(Stages stage) {
  std::vector<std::string> names;
  for (auto const& key : study_keys())
    if (key.use.required & stage) names.push_back(key.name);
  return names;
}

std::vector<FormerKey> const& former_keys() {
  static std::vector<FormerKey> const keys{
      {"ses.bounds",
       "every selection states the unimodal bound; R's stabs gives "
       "others from its q, p, threshold and samples"},
      {"tune.gradient_accumulation_steps",
       "tune.batch_tokens counts over all ranks and passes, and tune.pass_tokens bounds a "
       "pass: a step makes as many passes as it needs"}};
  return keys;
}

std::vector<LaterKey> const& later_keys() {
  static std::vector<LaterKey> const keys = [] {
    std::vector<LaterKey> rows;
    rows.push_back({"tune.eval_steps", "losses on the validation split while tuning"});
    return rows;
  }();
  return keys;
}

}  // namespace moerae
