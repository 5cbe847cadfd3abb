#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "reduce/usage/usage_table.hpp"

// Expert-specialised fine-tuning (ESFT, arXiv 2407.01906): experts chosen by one group of prompts.

namespace moerae {

struct EsftCriterion {
  std::string_view name;
  std::string_view dataset;                         ///< in esft/<set>/ of scores.h5
  double default_p;                                 ///< published: .2 token, .1 gate
  std::vector<std::int64_t> UsageTotals::*counted;  ///< selections, k of a token; gate weight, about 1 of it

  /// Share of every expert [L*K].
  [[nodiscard]] std::vector<double> score(ExpertSpace const& space, UsageTotals const& total) const;
  /// round(score, 4) as integers of 1e-4 [L*K], halves to even, from the integers: no rounding before it.
  [[nodiscard]] std::vector<std::int64_t> units(ExpertSpace const& space, UsageTotals const& total) const;
};

/// All of them.
[[nodiscard]] std::span<EsftCriterion const> esft_criteria();
/// `esft_token`: r_e = activations / (k tokens), micro-averaged. `esft_gate`: g_e = gate weights / tokens.
/// Null when unknown.
[[nodiscard]] EsftCriterion const* find_esft(std::string_view name);

/// Units of a score: 1 / 1e-4.
inline constexpr std::int64_t esft_scale = 10'000;

/// Per layer, experts by units descending, id ascending, taken until their running sum reaches p, tested
/// before each addition. Indices [.] layer by layer in that order. This gives the published sets, order
/// included.
[[nodiscard]] std::vector<std::size_t> esft_select(ExpertSpace const& space,
                                                   std::vector<std::int64_t> const& units, double p);

}  // namespace moerae
