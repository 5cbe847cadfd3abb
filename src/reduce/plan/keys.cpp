#include "moerae/reduce/plan/keys.hpp"

#include "moerae/keys/values.hpp"
#include "moerae/reduce/names.hpp"
#include "reduce/esft.hpp"
#include "reduce/plan/pair_value.hpp"
#include "reduce/stability/groups.hpp"

namespace moerae {
namespace {

using namespace kind;

constexpr Use reduces{stage::reduce, stage::reduce}, read_by_reduce{stage::reduce};
constexpr Integer<std::int64_t> positive{1};

// Of `words`.
Word criteria(std::vector<std::string> const& words) {
  return {words,
          {},
          {{"js_debiased", "is what js is now, with the plug-in estimate as its divergence: give js"}}};
}

std::vector<std::string> ses_scores() {
  std::vector<std::string> all{"usage"};
  all.insert(all.end(), contrast_criteria().begin(), contrast_criteria().end());
  return all;
}

std::vector<std::string> select_criteria() {
  std::vector<std::string> all{"ses"};
  for (auto const& row : esft_criteria()) all.emplace_back(row.name);
  all.insert(all.end(), std::begin(safety_groups), std::end(safety_groups));
  all.insert(all.end(), contrast_criteria().begin(), contrast_criteria().end());
  return all;
}

std::vector<std::string> ses_positions() {
  std::vector<std::string> all{""};
  all.insert(all.end(), position_names().begin(), position_names().end());
  return all;
}

}  // namespace

// clang-format off
std::vector<Key<SesOptions>> ses_keys() {
  return {
      key("regular", &SesOptions::regular, reduces, SetName{}, "set of plainly harmful prompts; with ses.jailbreak HCDG and HRCG are formed"),
      key("jailbreak", &SesOptions::jailbreak, reduces, SetName{}, "set of the same goals in jailbreak wrappers"),
      key("benign", &SesOptions::benign, reduces, SetName{}, "harmless set: subtracted from HCDG, and split in halves for the noise floor"),
      key("sets", &SesOptions::sets, reduces, List<SetName>{}, "further sets to score; with none of the four, every set of the run"),
      key("positions", &SesOptions::positions, reduces, Word{ses_positions()}, "positions of usage (SES, ESFT, matching of controls); empty: contrast.positions"),
      key("score", &SesOptions::score, reduces, Word{ses_scores()}, "what the top N of a resample is taken of: usage of each set; a contrast: also its score for each pair of contrast.groups"),
      key("resample", &SesOptions::resample, reduces, Choice{resampling_words, {{"half", "has no better bound than its pairs: give complementary"}}}, "of clusters; complementary: pairs of disjoint halves"),
      key("samples", &SesOptions::samples, reduces, Integer<std::int64_t>{2, 10'000'000}, "resamples; complementary pairs count as two"),
      key("alpha", &SesOptions::alpha, reduces, Optional<Number>{{.above = 0, .most = 1}, "auto"}, "top N = floor(alpha K + 1e-9) of K experts; auto: max(k, floor(.1 K)), for a contrast as many as keep the bound at one chance selection"),
      key("scope", &SesOptions::scope, reduces, Optional<Choice<Scope, 2>>{{scope_words}, "auto"}, "top N of each layer, or of all layers together; auto: layer for usage, model for a contrast"),
      key("threshold", &SesOptions::threshold, reduces, Number{.above = 0.5, .most = 1}, "selected: in the top N of at least this share of the resamples"),
      key("preset", &SesOptions::preset, reduces, Word{{"", "paper"}}, "paper: bootstrap, strict intersection (threshold 1) and plain set difference, as published"),
  };
}

std::vector<Key<ContrastOptions>> contrast_keys() {
  return {
      key("criteria", &ContrastOptions::criteria, reduces, List<Word>{criteria(contrast_criteria())}, "criteria that compare two groups; empty: all that the sets allow, where contrast.groups is given"),
      key("groups", &ContrastOptions::groups, reduces, List<Groups>{}, "the groups: a:b, positive scores mean more in a; a:b/c: more than in b and more than in c"),
      key("positions", &ContrastOptions::positions, reduces, Word{position_names()}, "positions of usage, and of contrasts that do not fix their own; content: user text and reply, prefill: all before the reply, last: the last of them"),
      key("count", &ContrastOptions::count, reduces, positive, "experts of a contrast's default set"),
      key("permutations", &ContrastOptions::permutations, reduces, Integer<std::int64_t>{0, 10'000'000}, "relabellings of each permutation test; 0: scores without significance"),
      key("permute_within", &ContrastOptions::permute_within, reduces, List<Word>{{{"topic", "length", "none"}}}, "clusters exchange labels within one topic and one eighth of the lengths; pairs swap"),
  };
}

std::vector<Key<ReduceStageOptions>> reduce_keys() {
  return {
      key("clusters", &ReduceStageOptions::clusters, reduces, Integer<std::int64_t>{0}, "clusters of each set at most, drawn by key; 0: all of the discovery split"),
      key("controls", &ReduceStageOptions::controls, reduces, Integer<std::int64_t>{0, 10'000}, "matched random expert sets stored with every expert set"),
      key("memory", &ReduceStageOptions::memory, read_by_reduce, Integer<std::int64_t>{1, 16'777'216}, "MiB of tables a rank may hold; larger ones are read in parts, results are the same"),
  };
}

std::vector<Key<SelectOptions>> const& select_keys() {
  static std::vector<Key<SelectOptions>> const keys{
      key("criterion", &SelectOptions::criterion, reduces, criteria(select_criteria()), "what the experts are ranked by"),
      key("set", &SelectOptions::set, reduces, SetName{}, "set of a one-group criterion (ses, esft_token, esft_gate)"),
      key("groups", &SelectOptions::groups, reduces, Optional<Groups>{{}, "", ""}, "groups of a contrast; may be left out where contrast.groups names one pair only"),
      key("count", &SelectOptions::count, reduces, Optional<Integer<std::int64_t>>{{1}, ""}, "the n best"),
      key("p", &SelectOptions::p, reduces, Optional<Number>{{.above = 0, .most = 1}, ""}, "ESFT: share of each layer's score to be reached (published: token .2, gate .1)"),
      key("threshold", &SelectOptions::threshold, reduces, Optional<Number>{{.least = 0}, ""}, "score (SES: frequency) at least this; side says of which sign"),
      key("side", &SelectOptions::side, reduces, Choice{store::side_words}, "sign of the contrast that is looked for"),
  };
  return keys;
}
// clang-format on

}  // namespace moerae
