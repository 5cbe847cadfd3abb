#include "moerae/mpi/comm.hpp"

#include <utility>

#include "moerae/mpi/environment.hpp"

namespace moerae::mpi {

Comm::Comm(MPI_Comm owned) : raw_(owned) {
  check(MPI_Comm_set_errhandler(raw_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check(MPI_Comm_rank(raw_, &rank_), "MPI_Comm_rank");
  check(MPI_Comm_size(raw_, &size_), "MPI_Comm_size");
}

Comm Comm::world() {
  MPI_Comm out = MPI_COMM_NULL;
  check(MPI_Comm_dup(MPI_COMM_WORLD, &out), "MPI_Comm_dup");
  return Comm(out);
}

Comm::Comm(Comm&& other) noexcept
    : raw_(std::exchange(other.raw_, MPI_COMM_NULL)),
      rank_(std::exchange(other.rank_, 0)),
      size_(std::exchange(other.size_, 1)) {}

Comm& Comm::operator=(Comm&& other) noexcept {
  std::swap(raw_, other.raw_);
  std::swap(rank_, other.rank_);
  std::swap(size_, other.size_);
  return *this;
}

Comm::~Comm() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (raw_ != MPI_COMM_NULL && !finalized) MPI_Comm_free(&raw_);
}

Comm Comm::split(int color, int key) const {
  if (serial()) return {};
  MPI_Comm out = MPI_COMM_NULL;
  check(MPI_Comm_split(raw_, color, key, &out), "MPI_Comm_split");
  return Comm(out);
}

Comm Comm::duplicate() const {
  if (serial()) return {};
  MPI_Comm out = MPI_COMM_NULL;
  check(MPI_Comm_dup(raw_, &out), "MPI_Comm_dup");
  return Comm(out);
}

Comm Comm::on_this_host() const {
  if (serial()) return {};
  MPI_Comm out = MPI_COMM_NULL;
  check(MPI_Comm_split_type(raw_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &out), "MPI_Comm_split_type");
  return Comm(out);
}

}  // namespace moerae::mpi
