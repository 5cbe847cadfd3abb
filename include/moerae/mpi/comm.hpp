#pragma once

#include <mpi.h>

namespace moerae::mpi {

/// A communicator, owned. The default one is serial: rank 0 of 1, no MPI call is made through it, so that
/// everything runs without mpirun. Errors return (MPI_ERRORS_RETURN) and are checked by every call of this
/// module.
class Comm {
 public:
  Comm() = default;
  /// A duplicate of MPI_COMM_WORLD. Collective. For main and tests only; everything else is handed a Comm.
  [[nodiscard]] static Comm world();
  Comm(Comm&& other) noexcept;
  Comm& operator=(Comm&& other) noexcept;
  ~Comm();

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] bool serial() const { return raw_ == MPI_COMM_NULL; }
  /// MPI_COMM_NULL when serial.
  [[nodiscard]] MPI_Comm raw() const { return raw_; }

  /// The ranks with the same `color`, ordered by `key`. Collective.
  [[nodiscard]] Comm split(int color, int key) const;
  /// A communicator of the same ranks whose messages never match those of this one. Collective.
  [[nodiscard]] Comm duplicate() const;
  /// The ranks on this machine. Collective.
  [[nodiscard]] Comm on_this_host() const;

 private:
  explicit Comm(MPI_Comm owned);
  MPI_Comm raw_ = MPI_COMM_NULL;
  int rank_ = 0;
  int size_ = 1;
};

}  // namespace moerae::mpi
