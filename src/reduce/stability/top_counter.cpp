#include "reduce/stability/top_counter.hpp"

#include <algorithm>

#include "moerae/base/check.hpp"
#include "moerae/mpi/collective.hpp"

namespace moerae {
namespace {

bool before(Candidate const& a, Candidate const& b) {
  return a.key != b.key ? a.key > b.key : a.expert < b.expert;
}

}  // namespace

TopCounter::TopCounter(std::vector<std::int32_t> sizes, std::size_t experts)
    : experts_(experts), counts_(sizes.size() * experts, 0) {
  expect(!sizes.empty() && sizes.front() >= 1 && std::ranges::is_sorted(sizes),
         "sizes of a path ascend from 1");
  for (std::size_t a = 0; a < sizes.size(); ++a) entered_.resize(static_cast<std::size_t>(sizes[a]), a);
}

void TopCounter::keep_best(std::vector<Candidate>& candidates) const {
  if (candidates.size() <= entered_.size()) return;
  auto const last = candidates.begin() + static_cast<std::ptrdiff_t>(entered_.size());
  std::nth_element(candidates.begin(), last, candidates.end(), before);
  candidates.erase(last, candidates.end());
}

void TopCounter::add(std::vector<Candidate>& candidates) {
  keep_best(candidates);
  std::ranges::sort(candidates, before);
  for (std::size_t rank = 0; rank < candidates.size(); ++rank)
    ++counts_.at(entered_[rank] * experts_ + candidates[rank].expert);
}

std::vector<std::int64_t> TopCounter::path(mpi::Comm const& comm) {
  auto path = std::move(counts_);
  mpi::sum(comm, std::span(path));
  for (std::size_t i = experts_; i < path.size(); ++i)
    path[i] += path[i - experts_];  // in any larger top N, too
  return path;
}

}  // namespace moerae
