#include "reduce/contrast/strata.hpp"

#include <algorithm>

namespace moerae::detail {

std::vector<std::int32_t> eighths(std::span<std::int64_t const> lengths) {
  std::vector<std::int64_t> sorted(lengths.begin(), lengths.end()), octiles;
  std::ranges::sort(sorted);
  for (std::size_t j = 1; j < 8 && !sorted.empty(); ++j) octiles.push_back(sorted[j * sorted.size() / 8]);
  std::vector<std::int32_t> eighth;
  eighth.reserve(lengths.size());
  for (auto const length : lengths)
    eighth.push_back(static_cast<std::int32_t>(std::ranges::upper_bound(octiles, length) - octiles.begin()));
  return eighth;
}

}  // namespace moerae::detail
