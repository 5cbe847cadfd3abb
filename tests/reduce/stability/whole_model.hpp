#pragma once

#include "reduce/stability/groups.hpp"
#include "reduce/stability/stability_stream.hpp"

namespace moerae::test {

/// Stability selection on usage with the whole model in one table.
[[nodiscard]] inline Stability select_whole(mpi::Comm const& comm, UsageTable const& table,
                                            StabilityRule const& rule, std::uint64_t seed) {
  StabilityStream stream(comm, table.space, rule, seed, "test");
  stream.add(table);
  return stream.finish();
}

[[nodiscard]] inline std::vector<NoiseFloor> floor_whole(UsageTable const& benign, Stability const& selected,
                                                         std::uint64_t seed) {
  mpi::Comm const serial;
  NoiseFloorStream stream(serial, benign.space, selected.rule, seed);
  stream.add(benign);
  return stream.finish(selected);
}

}  // namespace moerae::test
