#include "reduce/significance/max_t.hpp"

#include <algorithm>
#include <numeric>

#include "moerae/base/check.hpp"
#include "moerae/mpi/collective.hpp"

namespace moerae {

MaxT::MaxT(std::vector<float> observed)
    : observed_(std::move(observed)),
      order_(observed_.size()),
      step_down_(observed_.size(), 0),
      alone_(observed_.size(), 0) {
  std::iota(order_.begin(), order_.end(), 0U);
  std::ranges::stable_sort(order_, [&](auto e, auto f) { return observed_[e] > observed_[f]; });
}

void MaxT::add(std::span<float const> replicates) {
  auto const n = observed_.size();
  expect(n > 0 && replicates.size() % n == 0, "{} values are no replicates of {} experts", replicates.size(),
         n);
  for (; !replicates.empty(); replicates = replicates.subspan(n)) {
    float largest = 0;
    for (std::size_t i = n; i-- > 0;) {  // from the least: what is not yet rejected when it is its turn
      auto const e = order_[i];
      largest = std::max(largest, replicates[e]);
      step_down_[e] += largest >= observed_[e] ? 1 : 0;
    }
    for (std::size_t e = 0; e < n; ++e) alone_[e] += replicates[e] >= observed_[e] ? 1 : 0;
  }
}

void MaxT::sum(mpi::Comm const& comm) {
  mpi::sum(comm, std::span(step_down_));
  mpi::sum(comm, std::span(alone_));
}

std::vector<double> MaxT::adjusted(std::int64_t permutations) const {
  std::vector<double> p(observed_.size());
  std::int64_t most = 0;
  for (auto const e : order_) {
    most = std::max(most, step_down_[e]);
    p[e] = static_cast<double>(1 + most) / static_cast<double>(permutations + 1);
  }
  return p;
}

std::vector<double> MaxT::marginal(std::int64_t permutations) const {
  std::vector<double> p;
  p.reserve(alone_.size());
  for (auto const count : alone_)
    p.push_back(static_cast<double>(1 + count) / static_cast<double>(permutations + 1));
  return p;
}

std::vector<double> benjamini_hochberg(std::span<double const> p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](auto e, auto f) { return p[e] > p[f]; });
  std::vector<double> q(p.size());
  double least = 1;
  for (std::size_t i = 0; i < order.size(); ++i) {
    least = std::min(least, static_cast<double>(p.size()) * p[order[i]] / static_cast<double>(p.size() - i));
    q[order[i]] = least;
  }
  return q;
}

}  // namespace moerae
