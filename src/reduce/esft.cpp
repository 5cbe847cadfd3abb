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

std::vector<double> token_score(ExpertSpace const& space, UsageTotals const& total) {
  std::vector<double> score(total.count.size());
  auto const selections = static_cast<double>(total.tokens * space.top_k);
  for (std::size_t e = 0; e < score.size(); ++e) score[e] = static_cast<double>(total.count[e]) / selections;
  return score;
}

std::vector<std::int64_t> token_units(ExpertSpace const& space, UsageTotals const& total) {
  std::vector<std::int64_t> units(total.count.size());
  for (std::size_t e = 0; e < units.size(); ++e)
    units[e] = units_of(total.count[e], static_cast<Wide>(total.tokens) * space.top_k);
  return units;
}

std::vector<double> gate_score(ExpertSpace const&, UsageTotals const& total) {
  std::vector<double> score(total.mass.size());
  for (std::size_t e = 0; e < score.size(); ++e)
    score[e] = static_cast<double>(total.mass[e]) * mass_unit / static_cast<double>(total.tokens);
  return score;
}

std::vector<std::int64_t> gate_units(ExpertSpace const&, UsageTotals const& total) {
  std::vector<std::int64_t> units(total.mass.size());
  for (std::size_t e = 0; e < units.size(); ++e)
    units[e] = units_of(total.mass[e], static_cast<Wide>(total.tokens) << 32);
  return units;
}

constexpr EsftCriterion table[] = {{"esft_token", "token", .2, token_score, token_units},
                                   {"esft_gate", "gate", .1, gate_score, gate_units}};

}  // namespace

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
