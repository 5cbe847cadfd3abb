#include <algorithm>
#include <ranges>

#include "moerae/base/check.hpp"
#include "reduce/bounds/stability_bounds.hpp"

namespace moerae {
namespace {

constexpr char const* ranks_of_usage =
    "It is about the stability of usage ranks under sampling: a selected expert is among the most used of "
    "its {}; that says nothing about whether it has to do with safety.";
constexpr char const* ranks_of_score =
    "It is about the stability of the ranks of {} under sampling: a selected expert is among the most "
    "extreme "
    "of its {} in most resamples; that does not say that it causes what the two groups differ in.";

std::string meaning(Stability const& stability) {
  auto const& rule = stability.rule;
  auto const* const field = rule.scope == Scope::layer ? "layer" : "model";
  if (rule.score == "usage") return fmt::format(fmt::runtime(ranks_of_usage), field);
  return fmt::format(fmt::runtime(ranks_of_score), rule.score, field);
}

std::string numbers(std::vector<StabilityBound> const& bounds) {
  std::string text;
  for (auto const& bound : bounds)
    if (bound.value)
      text += fmt::format("{}{} {:.3g}", text.empty() ? "" : ", ", name_of(bound.kind), *bound.value);
  return text;
}

// Each reason once: a bootstrap has the same for all
std::string refusals(std::vector<StabilityBound> const& bounds) {
  std::string text;
  for (auto const& bound : bounds)
    if (!bound.value && text.find(bound.reason) == std::string::npos)
      text += fmt::format("No {} bound: {}. ", name_of(bound.kind), bound.reason);
  return text;
}

}  // namespace

BoundCase bound_case(Stability const& stability) {
  auto const& rule = stability.rule;
  auto const fields =
      rule.scope == Scope::model ? 1 : static_cast<std::int64_t>(stability.space.layers.size());
  return {rule.resampling, rule.threshold, rule.samples, stability.top * fields,
          static_cast<std::int64_t>(stability.space.size())};
}

bool vacuous(double bound, std::int64_t selected) {
  return bound > 1 || bound >= static_cast<double>(selected);
}

BoundStatement bound_statement(Stability const& stability, bool meinshausen_buhlmann) {
  auto const of = bound_case(stability);
  BoundStatement out{of.q, of.p, 0, {}, false, {}};
  for (std::size_t e = 0; e < stability.count.size(); ++e) out.selected += stability.selected(e) ? 1 : 0;
  for (auto const kind : bound_kinds)
    if (kind != BoundKind::meinshausen_buhlmann || meinshausen_buhlmann)
      out.bounds.push_back(stability_bound(kind, of));
  auto const& usual = *std::ranges::find(out.bounds, BoundKind::unimodal, &StabilityBound::kind);
  out.informative = usual.value && !vacuous(*usual.value, out.selected);

  auto const found = numbers(out.bounds);
  out.sentence = fmt::format("{} of {} experts selected at threshold {} (q = {} in the top of a replicate). ",
                             out.selected, out.p, of.threshold, of.q);
  if (!found.empty())
    out.sentence += fmt::format(
        "Expected number of selected experts whose chance of being in the top of a random half is at most "
        "q/p = {:.3g}: at most {}. ",
        static_cast<double>(of.q) / static_cast<double>(of.p), found);
  if (usual.value && !out.informative)
    out.sentence +=
        "That is vacuous: more than one chance selection, or as many as there are, cannot be excluded. ";
  out.sentence += refusals(out.bounds);
  out.sentence += meaning(stability);
  return out;
}

}  // namespace moerae
