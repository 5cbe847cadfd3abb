#include "reduce/controls/controls.hpp"

#include <cmath>
#include <functional>
#include <numeric>

#include "moerae/base/check.hpp"
#include "reduce/controls/control_draws.hpp"

namespace moerae {
namespace {

using controls::Draws;
using controls::Quantity;
using controls::Target;
using Experts = std::vector<std::size_t>;

void add_quantities(Target& target, SetUsage const& usage) {
  expect(usage.count.size() == target.space.size() && usage.mass.size() == target.space.size(),
         "controls: totals of {} have {} experts of {}", usage.name, usage.count.size(), target.space.size());
  auto const sum = [](std::span<std::int64_t const> values) {
    return static_cast<double>(std::accumulate(values.begin(), values.end(), std::int64_t{0}));
  };
  target.quantities.push_back({"usage " + usage.name, {usage.count.begin(), usage.count.end()}, .5});
  target.quantities.push_back({"gate mass " + usage.name,
                               {usage.mass.begin(), usage.mass.end()},
                               std::max(1.0, sum(usage.mass)) / std::max(1.0, sum(usage.count)) / 2});
}

/// Those in which a kind of control is matched.
std::span<Quantity const> matched_in(Target const& target, std::string_view kind) {
  auto const all = std::span(target.quantities);
  return kind == "dose" ? all.subspan(Target::dose, 1) : all;
}

bool matched(Target const& target, std::string_view kind, Experts const& chosen) {
  return std::ranges::all_of(matched_in(target, kind), [&](Quantity const& quantity) {
    return controls::agrees(ratio_of(target, quantity, chosen));
  });
}

store::ControlSet control_of(Target const& target, std::string_view kind, Experts const& chosen) {
  store::ControlSet out{std::string(kind), {}, {}, matched(target, kind, chosen)};
  auto const experts = static_cast<std::size_t>(target.space.experts);
  for (auto const e : chosen)
    out.experts.emplace_back(target.space.layers[e / experts], static_cast<std::int32_t>(e % experts));
  for (auto const& quantity : target.quantities)
    out.ratio.emplace_back(quantity.name, ratio_of(target, quantity, chosen));
  return out;
}

/// The first matched draw, else that with the smallest of largest |log ratio|; empty where every draw is.
Experts search(Target const& target, std::string_view kind, std::uint32_t tries,
               std::function<Experts(std::uint32_t)> const& draw) {
  Experts best;
  double nearest = INFINITY;
  for (std::uint32_t t = 0; t < tries; ++t) {
    auto chosen = draw(t);
    if (chosen.empty()) continue;
    if (matched(target, kind, chosen)) return chosen;
    double distance = 0;
    for (auto const& quantity : matched_in(target, kind))
      distance = std::max(distance, std::abs(std::log(ratio_of(target, quantity, chosen))));
    if (distance >= nearest) continue;
    nearest = distance;
    best = std::move(chosen);
  }
  return best;
}

/// The first layer that has fewer others than members; past the end: none.
std::size_t crowded_layer(Target const& target) {
  std::vector<std::int32_t> lacking(target.space.layers.size(), 0);
  for (auto const e : target.set) ++lacking[target.layer_of(e)];
  for (std::size_t e = 0; e < target.space.size(); ++e)
    if (target.free(e)) --lacking[target.layer_of(e)];
  auto const found = std::ranges::find_if(lacking, [](auto n) { return n > 0; });
  return static_cast<std::size_t>(found - lacking.begin());
}

std::string counted(std::vector<store::ControlSet> const& sets, std::string_view kind) {
  std::size_t number = 0, matched = 0;
  double low = INFINITY, high = 0;
  for (auto const& set : sets) {
    if (set.kind != kind) continue;
    ++number;
    matched += set.matched ? 1 : 0;
    for (std::size_t q = 0; q < set.ratio.size(); ++q) {
      if (kind == "dose" && q != Target::dose) continue;
      low = std::min(low, set.ratio[q].second);
      high = std::max(high, set.ratio[q].second);
    }
  }
  if (matched == number) return "";
  return fmt::format("{}: {} of {} controls agree with the set within {} to {}; ratios {:.3f} to {:.3f}",
                     kind, matched, number, controls::least_total, controls::widest_total, low, high);
}

}  // namespace

Controls draw_controls(ExpertSpace const& space, std::string const& name, std::span<std::size_t const> set,
                       SetUsage const& evaluated, std::optional<SetUsage> const& benign,
                       ControlRule const& rule) {
  Controls out;
  Target target{space, {set.begin(), set.end()}, rule.left_out, {}};
  expect(std::ranges::is_sorted(set) && (set.empty() || set.back() < space.size()),
         "controls of {}: indices must ascend and stay below {}", name, space.size());
  add_quantities(target, evaluated);
  if (benign) add_quantities(target, *benign);
  if (set.empty()) {
    out.notes.push_back("no controls: the set has no experts");
    return out;
  }
  auto const add = [&](std::string_view kind, Experts const& chosen) {
    if (!chosen.empty()) out.sets.push_back(control_of(target, kind, chosen));
    return !chosen.empty();
  };
  if (auto const layer = crowded_layer(target); layer < space.layers.size()) {
    out.notes.push_back(fmt::format(
        "no matched control: the set holds so many of the {} experts of layer {} that as many others "
        "are not there; judge it by its dose controls",
        space.experts, space.layers[layer]));
  } else {
    controls::Neighbours const neighbours(target);
    for (std::uint32_t c = 0; c < rule.matched; ++c)
      add("matched", search(target, "matched", rule.tries, [&](std::uint32_t t) {
            return neighbours.draw(Draws(rule.seed, name, 0, c, t));
          }));
  }
  if (benign && !add("benign_top", benign_top(target, *benign)))
    out.notes.push_back("no benign_top control: the set holds every expert of its layers");
  for (std::uint32_t c = 0; c < rule.dose; ++c) {
    auto const chosen = search(target, "dose", rule.tries, [&](std::uint32_t t) {
      return draw_dose(target, Draws(rule.seed, name, 1, c, t));
    });
    if (add("dose", chosen)) continue;
    out.notes.push_back("no dose control: the set's layers have no other expert with gate mass that fits");
    break;
  }
  for (auto const* kind : {"matched", "benign_top", "dose"})
    if (auto note = counted(out.sets, kind); !note.empty()) out.notes.push_back(std::move(note));
  return out;
}

}  // namespace moerae
