#include "reduce/esft.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

__extension__ using Wide = __int128;

// value * 1e4 / of, rounded to the nearest integer, halves to even
std::int64_t units_of(std::int64_t value, Wide of) {
  Wide const scaled = static_cast<Wide>(value) * esft_scale;
  Wide const whole = scaled / of, rest = 2 * (scaled % of);
  bool const up = rest > of || (rest == of && whole % 2 == 1);
  return static_cast<std::int64_t>(whole + (up ? 1 : 0));
}

// What makes a share of 1: the selections of all tokens, or a gate weight of 1 of each.
Wide all_of(EsftCriterion const& criterion, ExpertSpace const& space, UsageTotals const& total) {
  auto const of_token = criterion.counted == &UsageTotals::count ? Wide{space.top_k} : Wide{1} << 32;
  return total.tokens * of_token;
}

constexpr EsftCriterion table[] = {{"esft_token", "token", .2, &UsageTotals::count},
                                   {"esft_gate", "gate", .1, &UsageTotals::mass}};

}  // namespace

std::vector<double> EsftCriterion::score(ExpertSpace const& space, UsageTotals const& total) const {
  auto const all = static_cast<double>(all_of(*this, space, total));
  std::vector<double> score;
  for (auto const value : total.*counted) score.push_back(static_cast<double>(value) / all);
  return score;
}

std::vector<std::int64_t> EsftCriterion::units(ExpertSpace const& space, UsageTotals const& total) const {
  std::vector<std::int64_t> units;
  for (auto const value : total.*counted) units.push_back(units_of(value, all_of(*this, space, total)));
  return units;
}

std::span<EsftCriterion const> esft_criteria() {
  return table;
}

EsftCriterion const* find_esft(std::string_view name) {
  auto const* found = std::ranges::find(table, name, &EsftCriterion::name);
  return found == std::end(table) ? nullptr : found;
}

std::vector<std::size_t> esft_select(ExpertSpace const& space, std::vector<std::int64_t> const& units,
                                     double p) {
  auto const experts = static_cast<std::size_t>(space.experts);
  auto const goal = static_cast<std::int64_t>(std::ceil(p * static_cast<double>(esft_scale) - 1e-6));
  std::vector<std::size_t> chosen, order(experts);
  for (std::size_t start = 0; start < units.size(); start += experts) {
    std::iota(order.begin(), order.end(), start);
    std::ranges::stable_sort(order, [&](auto a, auto b) { return units[a] > units[b]; });
    std::int64_t sum = 0;
    for (auto const e : order) {
      if (sum >= goal) break;
      sum += units[e];
      chosen.push_back(e);
    }
  }
  return chosen;
}

}  // namespace moerae
