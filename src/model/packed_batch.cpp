#include "moerae/model/packed_batch.hpp"

namespace moerae {

PackedBatch PackedBatch::of(std::vector<std::span<std::uint32_t const>> const& sequences) {
  PackedBatch out;
  out.offsets.push_back(0);
  for (auto const& tokens : sequences)
    out.offsets.push_back(out.offsets.back() + static_cast<std::int64_t>(tokens.size()));
  out.tokens = torch::empty({out.size()}, torch::kInt64);
  out.positions = torch::empty({out.size()}, torch::kInt64);
  auto* token = out.tokens.data_ptr<std::int64_t>();
  auto* position = out.positions.data_ptr<std::int64_t>();
  for (auto const& tokens : sequences)
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      *token++ = tokens[i];
      *position++ = static_cast<std::int64_t>(i);
    }
  return out;
}

}  // namespace moerae
