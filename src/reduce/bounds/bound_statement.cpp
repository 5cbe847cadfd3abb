#include "reduce/bounds/bound_statement.hpp"

#include <fmt/format.h>

namespace moerae {
namespace {

std::string meaning(std::string_view score, std::string_view field) {
  if (score == "usage")
    return fmt::format(
        "It is about the stability of usage ranks under sampling: a selected expert is among the most used "
        "of "
        "its {}; that says nothing about whether it has to do with safety.",
        field);
  return fmt::format(
      "It is about the stability of the ranks of {} under sampling: a selected expert is among the most "
      "extreme "
      "of its {} in most resamples; that does not say that it causes what the two groups differ in.",
      score, field);
}

}  // namespace

bool vacuous(double bound, std::int64_t selected) {
  return bound > 1 || bound >= static_cast<double>(selected);
}

BoundStatement bound_statement(BoundCase const& of, std::int64_t selected, std::string_view score,
                               std::string_view field) {
  BoundStatement out{unimodal_bound(of), false, {}};
  auto const& [value, reason] = out.unimodal;
  out.informative = value && !vacuous(*value, selected);
  out.sentence = fmt::format("{} of {} experts selected at threshold {} (q = {} in the top of a replicate). ",
                             selected, of.p, of.threshold, of.q);
  if (value)
    out.sentence += fmt::format(
        "Expected number of selected experts whose chance of being in the top of a random half is at most "
        "q/p = {:.3g}: at most {:.3g} (unimodal bound). ",
        static_cast<double>(of.q) / static_cast<double>(of.p), *value);
  else
    out.sentence += fmt::format("No bound: {}. ", reason);
  if (value && !out.informative)
    out.sentence +=
        "That is vacuous: more than one chance selection, or as many as there are, cannot be excluded. ";
  out.sentence += meaning(score, field);
  return out;
}

}  // namespace moerae
