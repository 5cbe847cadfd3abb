#include "moerae/model/exchange.hpp"

#include <utility>

namespace moerae {

Routes::Routes(mpi::GroupStatus& status, mpi::Transport& transport, std::int64_t tokens, torch::Tensor index,
               std::vector<int> sent, std::vector<int> received)
    : status_(&status),
      transport_(&transport),
      tokens_(tokens),
      index_(std::move(index)),
      sent_(std::move(sent)),
      received_(std::move(received)) {}

torch::Tensor Routes::move(torch::Tensor const& rows, mpi::RowCounts const& out,
                           mpi::RowCounts const& in) const {
  auto const from = rows.contiguous();
  auto shape = from.sizes().vec();
  shape[0] = 1;
  auto const row_bytes = c10::multiply_integers(shape) * static_cast<std::int64_t>(from.element_size());
  shape[0] = in.total();
  auto to = torch::empty(shape, from.options());
  transport_->rows(from.const_data_ptr(), out, to.mutable_data_ptr(), in, row_bytes);
  return to;
}

torch::Tensor Routes::forth(torch::Tensor const& rows) const {
  auto const here = rows.detach();
  if (!index_.defined()) return here;
  return move(here.index_select(0, index_), sent_, received_);
}

torch::Tensor Routes::back(torch::Tensor const& rows) const {
  auto const there = rows.detach();
  if (!index_.defined()) return there;
  auto const parts = move(there, received_, sent_);  // [sent, ...]
  auto shape = parts.sizes().vec();
  shape[0] = tokens_;
  auto sum = torch::zeros(shape, parts.options().dtype(torch::kFloat32));
  for (std::size_t r = 0; r < sent_.count().size(); ++r) {
    auto const first = sent_.start()[r], n = sent_.count()[r];
    sum.index_add_(0, index_.narrow(0, first, n), parts.narrow(0, first, n).to(torch::kFloat32));
  }
  return sum.to(rows.scalar_type());
}

ExpertExchange::ExpertExchange(mpi::GroupStatus& status, mpi::Transport& transport, ExpertShare share)
    : status_(status), transport_(transport) {
  for (std::int64_t e = 0; e < share.experts; ++e) owner_.push_back(share.owner(e));
}

Routes ExpertExchange::open(torch::Tensor const& experts) {
  auto const tokens = experts.size(0), n = experts.size(1);
  auto const ranks = static_cast<std::size_t>(status_.size());
  if (ranks == 1) return {status_, transport_, tokens, {}, status_.counts({0}), {0}};
  auto const on_host = experts.to(torch::kCPU).contiguous();
  auto const* chosen = on_host.const_data_ptr<std::int64_t>();
  std::vector<std::vector<std::int64_t>> rows(ranks);  // tokens by destination
  for (std::int64_t t = 0; t < tokens; ++t) {
    int last = -1;  // ids ascend within a token and owners with them
    for (std::int64_t j = 0; j < n; ++j) {
      int const owner = owner_[static_cast<std::size_t>(chosen[t * n + j])];
      if (owner != last) rows[static_cast<std::size_t>(owner)].push_back(t);
      last = owner;
    }
  }
  std::vector<std::int64_t> index;
  std::vector<int> sent;
  for (auto const& part : rows) {
    sent.push_back(static_cast<int>(part.size()));
    index.insert(index.end(), part.begin(), part.end());
  }
  auto received = status_.counts(sent);
  return {status_,         transport_,
          tokens,          torch::tensor(index, torch::kInt64).to(experts.device()),
          std::move(sent), std::move(received)};
}

}  // namespace moerae
