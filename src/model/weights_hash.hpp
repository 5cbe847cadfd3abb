#pragma once

#include <map>
#include <string>

#include "moerae/mpi/comm.hpp"

namespace moerae {

/// Hash of a whole checkpoint from the hashes of its tensors, each given by the rank that owns it: XXH3-128
/// over "name hash" lines sorted by name; the same for every width of the group. Collective over the expert
/// group.
[[nodiscard]] std::string combine_hashes(mpi::Comm const& group,
                                         std::map<std::string, std::string> const& mine);

}  // namespace moerae
