#pragma once

#include "moerae/mpi/comm.hpp"

namespace moerae::mpi {

/// Ranks as a grid data x expert: rank = group * expert_width + member. The ranks of one expert group hold
/// disjoint experts of every layer and advance in lockstep; groups share nothing but the work list.
struct Grid {
  int data_width = 1;
  int expert_width = 1;
  int group = 0;   ///< index along the data dimension
  int member = 0;  ///< index along the expert dimension
  Comm experts;    ///< the ranks of this group, by member
  Comm data;       ///< the ranks with this member of all groups, by group: they own the same experts

  /// Collective. Throws AgreedError (bad configuration) unless `expert_width` divides the number of ranks.
  [[nodiscard]] static Grid over(Comm const& world, int expert_width);
};

}  // namespace moerae::mpi
