#include "reduce/resampling/resample.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "moerae/base/check.hpp"

namespace moerae {

std::vector<std::size_t> shuffled(std::uint64_t seed, Draw draw, std::uint32_t replicate,
                                  std::span<std::int64_t const> clusters) {
  std::vector<std::pair<std::uint64_t, std::size_t>> keys;
  keys.reserve(clusters.size());
  for (std::size_t c = 0; c < clusters.size(); ++c)
    keys.emplace_back(draw_key(seed, draw, replicate, clusters[c]), c);
  std::ranges::sort(keys);  // equal keys: by index, that is by id
  std::vector<std::size_t> order;
  order.reserve(keys.size());
  for (auto const& entry : keys) order.push_back(entry.second);
  return order;
}

std::vector<std::int32_t> replicate_weights(Resampling kind, std::uint64_t seed, std::int64_t replicate,
                                            std::span<std::int64_t const> clusters) {
  auto const n = clusters.size();
  expect(n >= 2, "{} cluster(s) cannot be resampled", n);
  std::vector<std::int32_t> weights(n, 0);
  if (kind == Resampling::bootstrap) {
    for (std::size_t draw = 0; draw < n; ++draw) {
      auto const bits = random_bits(seed, Draw::bootstrap, static_cast<std::uint32_t>(replicate),
                                    static_cast<std::uint32_t>(draw));
      ++weights[random_below(bits, n)];
    }
    return weights;
  }
  auto const order = shuffled(seed, Draw::half_sample, static_cast<std::uint32_t>(replicate / 2), clusters);
  auto const half = std::span(order).subspan(replicate % 2 == 1 ? n - n / 2 : 0, n / 2);
  for (auto const c : half) weights[c] = 1;
  return weights;
}

}  // namespace moerae
