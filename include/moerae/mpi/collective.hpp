#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "moerae/mpi/comm.hpp"

namespace moerae::mpi {

// All functions are collective over `comm` and throw Error when MPI reports a failure. On a serial Comm they
// are the identity. Sizes must be equal on all ranks unless said.

void barrier(Comm const& comm);

template <class T>
void broadcast(Comm const& comm, std::span<T> values, int root = 0);
/// The string of `root`, on every rank; lengths may differ.
[[nodiscard]] std::string broadcast(Comm const& comm, std::string text, int root = 0);

/// In place, element by element. Integers only: sums of integers do not depend on their order.
template <class T>
void sum(Comm const& comm, std::span<T> values);
template <class T>
void maximum(Comm const& comm, std::span<T> values);
template <class T>
[[nodiscard]] T maximum(Comm const& comm, T value) {
  maximum(comm, std::span<T>(&value, 1));
  return value;
}
template <class T>
[[nodiscard]] T sum(Comm const& comm, T value) {
  sum(comm, std::span<T>(&value, 1));
  return value;
}

/// Every rank's string, in rank order, on every rank; lengths may differ.
[[nodiscard]] std::vector<std::string> gather_all(Comm const& comm, std::string const& text);

// Instantiated for int, std::int64_t, std::uint32_t, std::uint64_t and double (double: broadcast, maximum).

}  // namespace moerae::mpi
