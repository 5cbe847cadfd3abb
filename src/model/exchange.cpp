#include "moerae/model/exchange.hpp"

#include <mpi.h>

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <vector>

#include "model/experts.hpp"
#include "moerae/base/check.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/environment.hpp"

namespace moerae {
namespace {

class LocalExchange final : public ExpertExchange {
 public:
  torch::Tensor run(torch::Tensor const& x, RoutingDecision const& decision, MoeWeights const& own) override {
    return apply_experts(x, decision.experts, decision.weights, own);
  }
  mpi::Status finish_batch(mpi::Status mine) override { return mine; }
  bool announce_failure() noexcept override { return true; }
};

// Rows of bytes as an MPI type, so that counts are rows and stay far below 2^31.
class RowType {
 public:
  explicit RowType(std::int64_t bytes) {
    expect(bytes > 0 && bytes <= std::numeric_limits<int>::max(), "rows of {} bytes can not be sent", bytes);
    mpi::check(MPI_Type_contiguous(static_cast<int>(bytes), MPI_BYTE, &type_), "MPI_Type_contiguous");
    mpi::check(MPI_Type_commit(&type_), "MPI_Type_commit");
  }
  RowType(RowType const&) = delete;
  RowType& operator=(RowType const&) = delete;
  ~RowType() { MPI_Type_free(&type_); }
  [[nodiscard]] MPI_Datatype get() const { return type_; }

 private:
  MPI_Datatype type_ = MPI_DATATYPE_NULL;
};

struct Plan {  // rows per rank and where they start
  std::vector<int> count, start;
  [[nodiscard]] std::int64_t total() const {
    return std::accumulate(count.begin(), count.end(), std::int64_t{0});
  }
  void place() {
    start.assign(count.size(), 0);
    std::partial_sum(count.begin(), count.end() - 1, start.begin() + 1);
  }
};

class DispatchExchange final : public ExpertExchange {
 public:
  DispatchExchange(mpi::Comm const& group, ExpertShare share)
      : comm_(group.duplicate()), ranks_(static_cast<std::size_t>(comm_.size())) {
    for (std::int64_t e = 0; e < share.experts; ++e) owner_.push_back(share.owner(e));
  }

  torch::Tensor run(torch::Tensor const& x, RoutingDecision const& decision, MoeWeights const& own) override {
    auto const experts = decision.experts.to(torch::kCPU).contiguous();  // [T, k]
    auto rows = rows_by_owner(experts);                                  // [sent], by destination
    auto const index =
        torch::from_blob(rows.data(), {static_cast<std::int64_t>(rows.size())}, torch::kInt64).clone();
    Plan const received = exchange_counts(mpi::Status::ok);
    under_way_ = true;
    auto const send = [&](torch::Tensor const& part) {
      return forth(part.index_select(0, index).contiguous(), received);
    };
    auto const there = apply_experts(send(x), send(experts), send(decision.weights), own);  // [received, H]
    auto const back = backward(there.contiguous(), received);                               // [sent, H]
    under_way_ = false;
    // one partial sum per destination, added in order of the ranks
    auto sum = torch::zeros(x.sizes(), x.options().dtype(torch::kFloat32));
    for (std::size_t r = 0; r < ranks_; ++r)
      sum.index_add_(0, index.narrow(0, sent_.start[r], sent_.count[r]),
                     back.narrow(0, sent_.start[r], sent_.count[r]).to(torch::kFloat32));
    return sum.to(x.scalar_type());
  }

  mpi::Status finish_batch(mpi::Status mine) override {
    sent_.count.assign(ranks_, 0);
    (void)exchange_counts(mine);
    return worst_;
  }

  bool announce_failure() noexcept override {
    if (under_way_) return false;
    sent_.count.assign(ranks_, 0);
    try {
      (void)exchange_counts(mpi::Status::error);
    } catch (...) {  // the peers are told; what they say back no longer matters
    }
    return true;
  }

 private:
  // Indices of the tokens with at least one expert on each rank, destination by destination; fills sent_.
  std::vector<std::int64_t> rows_by_owner(torch::Tensor const& experts) {
    auto const tokens = experts.size(0), k = experts.size(1);
    auto const* chosen = experts.data_ptr<std::int64_t>();
    std::vector<std::vector<std::int64_t>> rows(ranks_);
    for (std::int64_t t = 0; t < tokens; ++t) {
      int last = -1;  // ids ascend within a token and owners with them
      for (std::int64_t j = 0; j < k; ++j) {
        int const owner = owner_[static_cast<std::size_t>(chosen[t * k + j])];
        if (owner != last) rows[static_cast<std::size_t>(owner)].push_back(t);
        last = owner;
      }
    }
    std::vector<std::int64_t> all;
    sent_.count.clear();
    for (auto const& part : rows) {
      sent_.count.push_back(static_cast<int>(part.size()));
      all.insert(all.end(), part.begin(), part.end());
    }
    sent_.place();
    return all;
  }

  // Counts travel with the status word of the sender; every exchange of the group begins with this call.
  Plan exchange_counts(mpi::Status mine) {
    std::vector<std::array<int, 2>> out(ranks_), in(ranks_);
    for (std::size_t r = 0; r < ranks_; ++r) out[r] = {sent_.count[r], static_cast<int>(mine)};
    mpi::check(MPI_Alltoall(out.data(), 2, MPI_INT, in.data(), 2, MPI_INT, comm_.raw()), "MPI_Alltoall");
    Plan received;
    int worst = 0;
    for (auto const& [count, status] : in) {
      received.count.push_back(count);
      worst = std::max(worst, status);
    }
    received.place();
    worst_ = static_cast<mpi::Status>(worst);
    if (worst_ == mpi::Status::error) throw mpi::PeerFailure();
    return received;
  }

  torch::Tensor all_to_all(torch::Tensor const& rows, Plan const& out, Plan const& in) const {
    auto shape = rows.sizes().vec();
    shape[0] = in.total();
    auto result = torch::empty(shape, rows.options());
    RowType const type(rows.size(1) * static_cast<std::int64_t>(rows.element_size()));
    mpi::check(MPI_Alltoallv(rows.data_ptr(), out.count.data(), out.start.data(), type.get(),
                             result.data_ptr(), in.count.data(), in.start.data(), type.get(), comm_.raw()),
               "MPI_Alltoallv");
    return result;
  }
  torch::Tensor forth(torch::Tensor const& rows, Plan const& received) const {
    return all_to_all(rows, sent_, received);
  }
  torch::Tensor backward(torch::Tensor const& rows, Plan const& received) const {
    return all_to_all(rows, received, sent_);
  }

  mpi::Comm comm_;
  std::size_t ranks_;
  std::vector<int> owner_;  // [K]
  Plan sent_;
  mpi::Status worst_ = mpi::Status::ok;
  bool under_way_ = false;  // counts are out, rows not yet back
};

}  // namespace

std::unique_ptr<ExpertExchange> make_dispatch_exchange(mpi::Comm const& group, ExpertShare share) {
  if (group.size() == 1) return std::make_unique<LocalExchange>();
  return std::make_unique<DispatchExchange>(group, share);
}

}  // namespace moerae
