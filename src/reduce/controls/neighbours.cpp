#include <algorithm>
#include <cmath>
#include <numeric>

#include "moerae/base/check.hpp"
#include "reduce/controls/control_draws.hpp"

namespace moerae::controls {
namespace {

constexpr std::size_t enough = 3;    // candidates
double const step = std::log(1.25);  // their distance, and by how much it is widened

double distance(Target const& target, std::size_t x, std::size_t y) {
  double largest = 0;
  for (auto const& quantity : target.quantities)
    largest = std::max(largest, std::abs(std::log(quantity.at(x) / quantity.at(y))));
  return largest;
}

}  // namespace

Neighbours::Neighbours(Target const& target) : experts_(target.space.size()) {
  for (auto const member : target.set) {
    auto& candidates = of_member_.emplace_back();
    auto const layer = target.layer_of(member);
    for (auto e = target.space.index(layer, 0); e < target.space.index(layer + 1, 0); ++e)
      if (target.free(e)) candidates.push_back({distance(target, member, e), e});
    std::ranges::sort(candidates, [](auto const& x, auto const& y) {
      return x.distance != y.distance ? x.distance < y.distance : x.expert < y.expert;
    });
  }
}

std::vector<std::size_t> Neighbours::draw(Draws draws) const {
  std::vector<std::size_t> order(of_member_.size()), chosen, near;
  std::iota(order.begin(), order.end(), std::size_t{0});
  draws.shuffle(order);  // who chooses first
  std::vector<bool> taken(experts_, false);
  for (auto const member : order) {
    near.clear();
    double reach = step;
    for (auto const& candidate : of_member_[member]) {  // nearest first
      if (taken[candidate.expert]) continue;
      if (candidate.distance > reach && near.size() >= enough) break;
      while (candidate.distance > reach) reach += step;
      near.push_back(candidate.expert);
    }
    expect(!near.empty(), "control: a layer has fewer other experts than members of the set");
    chosen.push_back(near[draws.below(near.size())]);
    taken[chosen.back()] = true;
  }
  std::ranges::sort(chosen);
  return chosen;
}

}  // namespace moerae::controls
