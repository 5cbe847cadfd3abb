#pragma once

#include <torch/types.h>

namespace moerae {

/// out[t] = sum over j of gates[t, j] * rows[position[t, j]], accumulated in float32 in order of j; position
/// -1 adds nothing. rows [n, H], position [T, k] int64, gates [T, k] -> [T, H] in rows' dtype. Differentiable
/// in rows and gates; without gradients on the CPU one pass over the rows. `largest`: also the largest
/// magnitude in every row that is taken, [T, k] float32, 0 where none is.
[[nodiscard]] torch::Tensor combine(torch::Tensor const& rows, torch::Tensor const& position,
                                    torch::Tensor const& gates, torch::Tensor* largest = nullptr);

}  // namespace moerae
