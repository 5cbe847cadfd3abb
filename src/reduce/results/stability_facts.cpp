#include "reduce/results/stability_facts.hpp"

#include "reduce/bounds/bound_statement.hpp"

namespace moerae {

using Json = nlohmann::ordered_json;

Json rule_of(Stability const& stability) {
  auto const& rule = stability.rule;
  return {{"score", rule.score},
          {"resample", word_of(resampling_words, rule.resampling)},
          {"samples", rule.samples},
          {"top", stability.top},
          {"scope", word_of(scope_words, rule.scope)},
          {"threshold", rule.threshold},
          {"hrcg",
           rule.plain_difference ? "plain difference" : "frequency <= 1 - threshold in the jailbreak set"}};
}

Json bounds_of(Stability const& stability) {
  auto const& [space, rule, top, count, sizes, path] = stability;
  bool const model = rule.scope == Scope::model;
  auto const q = model ? top : top * static_cast<std::int64_t>(space.layers.size());
  BoundCase const of{rule.resampling, rule.threshold, rule.samples, q,
                     static_cast<std::int64_t>(space.size())};
  std::int64_t selected = 0;
  for (std::size_t e = 0; e < count.size(); ++e) selected += stability.selected(e) ? 1 : 0;
  auto const said = bound_statement(of, selected, rule.score, word_of(scope_words, rule.scope));
  Json out{{"q", of.q}, {"p", of.p}, {"selected", selected}};
  out["unimodal"] = said.unimodal.value ? Json(*said.unimodal.value) : Json("none: " + said.unimodal.reason);
  out["informative"] = said.informative;
  out["says"] = said.sentence;
  return out;
}

}  // namespace moerae
