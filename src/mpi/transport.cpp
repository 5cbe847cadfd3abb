#include "moerae/mpi/transport.hpp"

#include <mpi.h>

#include <cstring>
#include <limits>
#include <numeric>

#include "moerae/base/check.hpp"
#include "moerae/mpi/environment.hpp"

namespace moerae::mpi {
namespace {

// Rows of bytes as an MPI type, so that counts are rows and stay far below 2^31.
class RowType {
 public:
  explicit RowType(std::int64_t bytes) {
    expect(bytes > 0 && bytes <= std::numeric_limits<int>::max(), "rows of {} bytes can not be sent", bytes);
    check(MPI_Type_contiguous(static_cast<int>(bytes), MPI_BYTE, &type_), "MPI_Type_contiguous");
    check(MPI_Type_commit(&type_), "MPI_Type_commit");
  }
  RowType(RowType const&) = delete;
  RowType& operator=(RowType const&) = delete;
  ~RowType() { MPI_Type_free(&type_); }
  [[nodiscard]] MPI_Datatype get() const { return type_; }

 private:
  MPI_Datatype type_ = MPI_DATATYPE_NULL;
};

}  // namespace

RowCounts::RowCounts(std::vector<int> count) : count_(std::move(count)), start_(count_.size(), 0) {
  std::exclusive_scan(count_.begin(), count_.end(), start_.begin(), 0);
}

std::int64_t RowCounts::total() const {
  return std::accumulate(count_.begin(), count_.end(), std::int64_t{0});
}

void MpiTransport::rows(void const* from, RowCounts const& out, void* to, RowCounts const& in,
                        std::int64_t row_bytes) {
  if (comm_.serial()) {
    std::memcpy(to, from, static_cast<std::size_t>(out.total() * row_bytes));
    return;
  }
  RowType const type(row_bytes);
  check(MPI_Alltoallv(from, out.count().data(), out.start().data(), type.get(), to, in.count().data(),
                      in.start().data(), type.get(), comm_.raw()),
        "MPI_Alltoallv");
}

}  // namespace moerae::mpi
