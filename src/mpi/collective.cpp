#include "moerae/mpi/collective.hpp"

#include <algorithm>
#include <climits>
#include <numeric>

#include "moerae/base/check.hpp"
#include "moerae/mpi/environment.hpp"

namespace moerae::mpi {
namespace {

template <class T>
MPI_Datatype type_of();
template <>
MPI_Datatype type_of<int>() {
  return MPI_INT;
}
template <>
MPI_Datatype type_of<std::int64_t>() {
  return MPI_INT64_T;
}
template <>
MPI_Datatype type_of<std::uint32_t>() {
  return MPI_UINT32_T;
}
template <>
MPI_Datatype type_of<std::uint64_t>() {
  return MPI_UINT64_T;
}
template <>
MPI_Datatype type_of<double>() {
  return MPI_DOUBLE;
}

// MPI counts are int: long spans travel in pieces.
template <class T, class F>
void in_pieces(std::span<T> values, F&& call) {
  constexpr std::size_t piece = 1U << 28;
  for (std::size_t at = 0; at < values.size(); at += piece) {
    auto const part = values.subspan(at, std::min(piece, values.size() - at));
    call(part.data(), static_cast<int>(part.size()));
  }
}

template <class T>
void reduce_in_place(Comm const& comm, std::span<T> values, MPI_Op operation) {
  if (comm.serial()) return;
  in_pieces(values, [&](T* data, int count) {
    check(MPI_Allreduce(MPI_IN_PLACE, data, count, type_of<T>(), operation, comm.raw()), "MPI_Allreduce");
  });
}

}  // namespace

void barrier(Comm const& comm) {
  if (!comm.serial()) check(MPI_Barrier(comm.raw()), "MPI_Barrier");
}

template <class T>
void broadcast(Comm const& comm, std::span<T> values, int root) {
  if (comm.serial()) return;
  in_pieces(values, [&](T* data, int count) {
    check(MPI_Bcast(data, count, type_of<T>(), root, comm.raw()), "MPI_Bcast");
  });
}

std::string broadcast(Comm const& comm, std::string text, int root) {
  if (comm.serial()) return text;
  auto size = static_cast<std::int64_t>(text.size());
  broadcast(comm, std::span(&size, 1), root);
  validate<Error>(size < INT_MAX, "a message of {} bytes is too long to broadcast", size);
  text.resize(static_cast<std::size_t>(size));
  check(MPI_Bcast(text.data(), static_cast<int>(size), MPI_CHAR, root, comm.raw()), "MPI_Bcast");
  return text;
}

template <class T>
void sum(Comm const& comm, std::span<T> values) {
  reduce_in_place(comm, values, MPI_SUM);
}

template <class T>
void maximum(Comm const& comm, std::span<T> values) {
  reduce_in_place(comm, values, MPI_MAX);
}

std::vector<std::string> gather_all(Comm const& comm, std::string const& text) {
  if (comm.serial()) return {text};
  auto const ranks = static_cast<std::size_t>(comm.size());
  std::vector<std::int64_t> sizes(ranks, 0);
  sizes[static_cast<std::size_t>(comm.rank())] = static_cast<std::int64_t>(text.size());
  sum(comm, std::span(sizes));
  auto const total = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
  validate<Error>(total < INT_MAX, "messages of {} bytes in all are too long to gather", total);
  std::vector<int> counts(sizes.begin(), sizes.end());
  std::vector<int> starts(ranks, 0);
  std::partial_sum(counts.begin(), counts.end() - 1, starts.begin() + 1);
  std::string all(static_cast<std::size_t>(total), '\0');
  check(MPI_Allgatherv(text.data(), static_cast<int>(text.size()), MPI_CHAR, all.data(), counts.data(),
                       starts.data(), MPI_CHAR, comm.raw()),
        "MPI_Allgatherv");
  std::vector<std::string> out;
  for (std::size_t r = 0; r < ranks; ++r)
    out.push_back(all.substr(static_cast<std::size_t>(starts[r]), static_cast<std::size_t>(counts[r])));
  return out;
}

template void broadcast(Comm const&, std::span<int>, int);
template void broadcast(Comm const&, std::span<std::int64_t>, int);
template void broadcast(Comm const&, std::span<std::uint32_t>, int);
template void broadcast(Comm const&, std::span<std::uint64_t>, int);
template void broadcast(Comm const&, std::span<double>, int);
template void sum(Comm const&, std::span<int>);
template void sum(Comm const&, std::span<std::int64_t>);
template void sum(Comm const&, std::span<std::uint32_t>);
template void sum(Comm const&, std::span<std::uint64_t>);
template void maximum(Comm const&, std::span<int>);
template void maximum(Comm const&, std::span<std::int64_t>);
template void maximum(Comm const&, std::span<std::uint32_t>);
template void maximum(Comm const&, std::span<std::uint64_t>);
template void maximum(Comm const&, std::span<double>);

}  // namespace moerae::mpi
