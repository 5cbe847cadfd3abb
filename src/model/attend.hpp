#pragma once

#include <torch/types.h>

#include "moerae/model/plan.hpp"

namespace moerae {

/// Queries, keys and values of one sequence or of several behind each other.
struct Heads {
  torch::Tensor q, k, v;  // [heads, t, d], [kv_heads, n, d], [kv_heads, n, value]; kv_heads divides heads
};

/// Causal attention of one sequence whose last t of n positions ask: query i sees keys up to n - t + i, under
/// spec.window only the last ones of them; `sinks` [heads] or undefined. Reads only scale and window of
/// `spec`. -> [heads, t, value] in the dtype of v.
[[nodiscard]] torch::Tensor attend(Heads const& h, torch::Tensor const& sinks, AttentionSpec const& spec);

}  // namespace moerae
