#pragma once

#include <cstdint>
#include <vector>

#include "moerae/mpi/comm.hpp"

namespace moerae::mpi {

/// Rows for or from each rank of a group, packed one rank after another.
class RowCounts {
 public:
  explicit RowCounts(std::vector<int> count);
  [[nodiscard]] std::vector<int> const& count() const { return count_; }  ///< [ranks]
  [[nodiscard]] std::vector<int> const& start() const { return start_; }  ///< [ranks] first row of each rank
  [[nodiscard]] std::int64_t total() const;

 private:
  std::vector<int> count_, start_;
};

/// Moves rows of bytes between the ranks of a group; knows nothing of what they are.
class Transport {
 public:
  virtual ~Transport() = default;
  /// Rows of `from`, counted by `out`, to their ranks; those from the ranks, counted by `in`, to `to`. The
  /// memory is of the kind that the transport serves. Collective over the group.
  virtual void rows(void const* from, RowCounts const& out, void* to, RowCounts const& in,
                    std::int64_t row_bytes) = 0;
};

/// Over MPI, on host memory.
class MpiTransport final : public Transport {
 public:
  explicit MpiTransport(Comm const& group) : comm_(group.duplicate()) {}
  void rows(void const* from, RowCounts const& out, void* to, RowCounts const& in,
            std::int64_t row_bytes) override;

 private:
  Comm comm_;
};

}  // namespace moerae::mpi
