#pragma once

#include <torch/types.h>

#include <cstdint>
#include <span>
#include <vector>

namespace moerae {

/// How the next token is chosen.
struct SamplingOptions {
  double temperature = 0;  ///< 0: the most probable one, ties to the lowest id
  double top_p = 1;  ///< the smallest set of the most probable ones that together reach it (Holtzman 2020)
  std::uint64_t seed = 0;
};

/// What a draw is keyed by: neither what else is computed nor the condition, so that conditions are compared
/// under the same luck.
struct TokenPlace {
  std::uint64_t prompt_id = 0;
  std::int64_t position = 0;  ///< of the token to be chosen
};

/// The next token of each of S sequences; logits [S, V]. Pure.
[[nodiscard]] std::vector<std::uint32_t> sample(torch::Tensor const& logits, SamplingOptions const& options,
                                                std::span<TokenPlace const> places);

}  // namespace moerae
