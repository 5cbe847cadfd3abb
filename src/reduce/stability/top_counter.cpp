#include "moerae/reduce/stability/top_counter.hpp"

#include <algorithm>

#include "moerae/base/check.hpp"
#include "moerae/mpi/collective.hpp"

namespace moerae {

TopCounter::TopCounter(std::vector<std::int32_t> sizes, std::size_t experts)
    : sizes_(std::move(sizes)), experts_(experts), counts_(sizes_.size() * experts, 0) {
  expect(!sizes_.empty() && sizes_.front() >= 1 && std::ranges::is_sorted(sizes_),
         "sizes of a path ascend from 1");
  for (std::size_t a = 0; a < sizes_.size(); ++a) entered_.resize(static_cast<std::size_t>(sizes_[a]), a);
}

void TopCounter::add(std::span<double const> keys, std::size_t first, double above) {
  expect(first + keys.size() <= experts_, "experts {} to {} of {}", first, first + keys.size(), experts_);
  order_.clear();
  for (std::size_t e = 0; e < keys.size(); ++e)
    if (keys[e] > above) order_.push_back(e);
  auto const before = [&](std::size_t a, std::size_t b) {
    return keys[a] != keys[b] ? keys[a] > keys[b] : a < b;
  };
  auto const last = order_.begin() + static_cast<std::ptrdiff_t>(std::min(order_.size(), entered_.size()));
  std::nth_element(order_.begin(), last, order_.end(), before);
  std::sort(order_.begin(), last, before);
  for (auto at = order_.begin(); at != last; ++at)
    ++counts_[entered_[static_cast<std::size_t>(at - order_.begin())] * experts_ + first + *at];
}

std::vector<std::int64_t> TopCounter::path(mpi::Comm const& comm) {
  auto path = std::move(counts_);
  mpi::sum(comm, std::span(path));
  for (std::size_t i = experts_; i < path.size(); ++i)
    path[i] += path[i - experts_];  // in any larger top N, too
  return path;
}

}  // namespace moerae
