#include "moerae/mpi/ordered_sum.hpp"

#include <algorithm>
#include <vector>

#include "moerae/mpi/environment.hpp"

namespace moerae::mpi {
namespace {

template <class T>
MPI_Datatype const type = MPI_FLOAT;
template <>
MPI_Datatype const type<double> = MPI_DOUBLE;

// At most 2^27 values, so that counts fit MPI's int.
template <class T>
void sum_part(Comm const& comm, std::span<T> values) {
  auto const ranks = static_cast<std::size_t>(comm.size()), mine = static_cast<std::size_t>(comm.rank());
  std::vector<int> count(ranks), start(ranks), equal(ranks), at(ranks);
  for (std::size_t r = 0; r < ranks; ++r) {
    auto const first = values.size() * r / ranks, last = values.size() * (r + 1) / ranks;
    start[r] = static_cast<int>(first);
    count[r] = static_cast<int>(last - first);
  }
  auto const own = static_cast<std::size_t>(count[mine]);
  for (std::size_t r = 0; r < ranks; ++r) {
    equal[r] = count[mine];
    at[r] = static_cast<int>(r * own);
  }
  std::vector<T> theirs(own * ranks);
  check(MPI_Alltoallv(values.data(), count.data(), start.data(), type<T>, theirs.data(), equal.data(),
                      at.data(), type<T>, comm.raw()),
        "MPI_Alltoallv");
  for (std::size_t r = 1; r < ranks; ++r)
    for (std::size_t i = 0; i < own; ++i) theirs[i] += theirs[r * own + i];
  check(MPI_Allgatherv(theirs.data(), count[mine], type<T>, values.data(), count.data(), start.data(),
                       type<T>, comm.raw()),
        "MPI_Allgatherv");
}

}  // namespace

template <class T>
void sum_in_order(Comm const& comm, std::span<T> values) {
  if (comm.serial()) return;
  constexpr std::size_t piece = 1U << 27;
  for (std::size_t first = 0; first < values.size(); first += piece)
    sum_part(comm, values.subspan(first, std::min(piece, values.size() - first)));
}

template void sum_in_order(Comm const&, std::span<float>);
template void sum_in_order(Comm const&, std::span<double>);

}  // namespace moerae::mpi
