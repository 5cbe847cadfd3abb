#include "moerae/model/rows.hpp"

namespace moerae {

Rows Rows::of(std::vector<Part> const& parts) {
  Rows out;
  std::int64_t size = 0;
  for (auto const& part : parts) {
    out.sequences.push_back({size, static_cast<std::int64_t>(part.tokens.size()), part.past, part.slot});
    size += out.sequences.back().count;
  }
  out.tokens = torch::empty({size}, torch::kInt64);
  out.positions = torch::empty({size}, torch::kInt64);
  auto* token = out.tokens.data_ptr<std::int64_t>();
  auto* position = out.positions.data_ptr<std::int64_t>();
  for (auto const& part : parts)
    for (std::size_t i = 0; i < part.tokens.size(); ++i) {
      *token++ = part.tokens[i];
      *position++ = part.past + static_cast<std::int64_t>(i);
    }
  return out;
}

}  // namespace moerae
