#include "model/combine.hpp"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace moerae {
namespace {

// |a| < |b| as their bits: a maximum that the compiler makes vectors of, and that keeps what is not finite.
std::uint32_t magnitude(float value) {
  return std::bit_cast<std::uint32_t>(value) & 0x7fffffffU;
}

template <bool with_largest, class T>
void combine_rows(T const* rows, std::int64_t const* position, float const* gates, T* out, float* largest,
                  std::int64_t tokens, std::int64_t k, std::int64_t width) {
  at::parallel_for(0, tokens, 16, [&](std::int64_t first, std::int64_t last) {
    std::vector<float> sum(static_cast<std::size_t>(width));
    for (auto t = first; t < last; ++t) {
      std::ranges::fill(sum, 0.0F);
      for (std::int64_t j = 0; j < k; ++j) {
        auto const at = position[t * k + j];
        if (at < 0) continue;
        auto const gate = gates[t * k + j];
        auto const* row = rows + at * width;
        std::uint32_t most = 0;
        for (std::int64_t i = 0; i < width; ++i) {
          auto const value = static_cast<float>(row[i]);
          sum[static_cast<std::size_t>(i)] += gate * value;
          if constexpr (with_largest) most = std::max(most, magnitude(value));
        }
        if constexpr (with_largest) largest[t * k + j] = std::bit_cast<float>(most);
      }
      for (std::int64_t i = 0; i < width; ++i)
        out[t * width + i] = static_cast<T>(sum[static_cast<std::size_t>(i)]);
    }
  });
}

torch::Tensor combine_on_cpu(torch::Tensor const& rows, torch::Tensor const& position,
                             torch::Tensor const& gates, torch::Tensor* largest) {
  auto const source = rows.contiguous(), index = position.contiguous(),
             weights = gates.to(torch::kFloat32).contiguous();
  auto out = torch::empty({position.size(0), rows.size(1)}, rows.options());
  if (largest) *largest = torch::zeros(position.sizes(), torch::kFloat32);
  AT_DISPATCH_FLOATING_TYPES_AND2(torch::kBFloat16, torch::kFloat16, rows.scalar_type(), "combine", [&] {
    auto const combine = largest ? combine_rows<true, scalar_t> : combine_rows<false, scalar_t>;
    combine(source.const_data_ptr<scalar_t>(), index.const_data_ptr<std::int64_t>(),
            weights.const_data_ptr<float>(), out.data_ptr<scalar_t>(),
            largest ? largest->data_ptr<float>() : nullptr, position.size(0), position.size(1), rows.size(1));
  });
  return out;
}

}  // namespace

torch::Tensor combine(torch::Tensor const& rows, torch::Tensor const& position, torch::Tensor const& gates,
                      torch::Tensor* largest) {
  if (rows.is_cpu() && !at::GradMode::is_enabled()) return combine_on_cpu(rows, position, gates, largest);
  auto const here = position >= 0;
  auto const padded = torch::cat({rows, rows.new_zeros({1, rows.size(1)})});
  auto const picked = padded.index_select(0, torch::where(here, position, rows.size(0)).reshape(-1))
                          .reshape({position.size(0), position.size(1), rows.size(1)});  // [T, k, H]
  if (largest) *largest = torch::where(here, picked.detach().abs().amax(-1).to(torch::kFloat32), 0.0);
  auto const weights = torch::where(here, gates.to(torch::kFloat32), 0.0);
  return (picked.to(torch::kFloat32) * weights.unsqueeze(-1)).sum(1).to(rows.scalar_type());
}

}  // namespace moerae
