#pragma once

#include <span>

#include "moerae/mpi/comm.hpp"

namespace moerae::mpi {

/// Sums element by element over the ranks, in order of the ranks, in place: the same bits on every rank and
/// in every run on as many ranks, which MPI_Allreduce does not promise. Every rank sums one part of the
/// values and passes it on, so that as little travels as in a ring. Sizes are equal on all ranks.
/// Collective; throws Error. On a serial Comm the identity. For float and double.
template <class T>
void sum_in_order(Comm const& comm, std::span<T> values);

}  // namespace moerae::mpi
