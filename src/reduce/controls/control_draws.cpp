#include "reduce/controls/control_draws.hpp"

#include <cmath>

#include "moerae/base/draws.hpp"
#include "moerae/store/content_hash.hpp"

namespace moerae::controls {

Draws::Draws(std::uint64_t seed, std::string const& name, std::uint32_t kind, std::uint32_t control,
             std::uint32_t draw)
    : key_(random_bits(
          random_bits(seed ^ std::stoull(store::text_hash(name), nullptr, 16), Draw::controls, kind, 0),
          Draw::controls, control, draw)) {}

std::size_t Draws::below(std::size_t n) {
  return static_cast<std::size_t>(random_below(random_bits(key_, Draw::controls, step_++, 0), n));
}

double ratio_of(Target const& target, Quantity const& quantity, std::span<std::size_t const> chosen) {
  auto const total = [&](std::span<std::size_t const> experts) {
    double sum = 0;
    for (auto const e : experts) sum += quantity.value[e];
    return std::max(sum, quantity.least);
  };
  return total(chosen) / total(target.set);
}

std::vector<std::size_t> draw_dose(Target const& target, Draws draws) {
  auto const& mass = target.quantities[Target::dose].value;
  auto const& space = target.space;
  double goal = 0;
  std::vector<std::size_t> pool;
  std::vector<bool> used(space.layers.size(), false);
  for (auto const e : target.set) {
    goal += mass[e];
    used[target.layer_of(e)] = true;
  }
  for (std::size_t e = 0; e < space.size(); ++e)
    if (used[target.layer_of(e)] && target.free(e) && mass[e] > 0) pool.push_back(e);
  draws.shuffle(pool);
  std::vector<std::int32_t> masked(space.layers.size(), 0);
  std::vector<std::size_t> chosen;
  double total = 0;
  for (auto const e : pool) {
    if (total >= goal) break;
    auto& of_layer = masked[target.layer_of(e)];
    if (total + mass[e] > widest_total * goal || of_layer + space.top_k >= space.experts) continue;
    ++of_layer;
    total += mass[e];
    chosen.push_back(e);
  }
  std::ranges::sort(chosen);
  return chosen;
}

std::vector<std::size_t> benign_top(Target const& target, SetUsage const& benign) {
  auto const& space = target.space;
  std::vector<std::size_t> wanted(space.layers.size(), 0), chosen;
  for (auto const e : target.set) ++wanted[target.layer_of(e)];
  for (std::size_t l = 0; l < wanted.size(); ++l) {
    std::vector<std::size_t> others;
    for (auto e = space.index(l, 0); e < space.index(l + 1, 0); ++e)
      if (target.free(e)) others.push_back(e);
    auto const n = std::min(wanted[l], others.size());
    std::ranges::sort(others, [&](auto x, auto y) {
      return benign.count[x] != benign.count[y] ? benign.count[x] > benign.count[y] : x < y;
    });
    chosen.insert(chosen.end(), others.begin(), others.begin() + static_cast<std::ptrdiff_t>(n));
  }
  std::ranges::sort(chosen);
  return chosen;
}

}  // namespace moerae::controls
