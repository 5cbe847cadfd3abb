#include "reduce/controls/controls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "moerae/base/random.hpp"
#include "store/scratch.hpp"

namespace moerae {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using Members = std::vector<std::size_t>;

struct World {
  ExpertSpace space;
  std::vector<std::int64_t> count, mass, benign_count, benign_mass;

  /// Usage spread over a factor of `spread`, gate mass and benign usage near it.
  World(int layers, int experts, double spread) : space{{}, experts, 4} {
    for (int l = 0; l < layers; ++l) space.layers.push_back(l + 1);
    auto const uniform = [&](std::uint32_t what, std::size_t e) {
      return std::ldexp(static_cast<double>(random_bits(9, 1, what, static_cast<std::uint32_t>(e))), -64);
    };
    for (std::size_t e = 0; e < space.size(); ++e) {
      auto const used = 1e4 * std::pow(spread, uniform(0, e));
      auto const near = [&](std::uint32_t what) { return used * (.8 + .4 * uniform(what, e)); };
      count.push_back(static_cast<std::int64_t>(used));
      mass.push_back(static_cast<std::int64_t>(near(1) * 1e9));
      benign_count.push_back(static_cast<std::int64_t>(near(2)));
      benign_mass.push_back(static_cast<std::int64_t>(near(3) * 1e9));
    }
  }
  [[nodiscard]] SetUsage harm() const { return {"harm", count, mass}; }
  [[nodiscard]] SetUsage help() const { return {"help", benign_count, benign_mass}; }
  [[nodiscard]] Controls draw(Members const& set, ControlRule const& rule = {},
                              std::string const& name = "a set") const {
    return draw_controls(space, name, set, harm(), help(), rule);
  }
  /// The n most used of every layer.
  [[nodiscard]] Members top(std::size_t n) const {
    Members out;
    for (std::size_t l = 0; l < space.layers.size(); ++l) {
      Members layer(static_cast<std::size_t>(space.experts));
      std::iota(layer.begin(), layer.end(), space.index(l, 0));
      std::ranges::sort(layer, std::greater{}, [&](auto e) { return count[e]; });
      out.insert(out.end(), layer.begin(), layer.begin() + static_cast<std::ptrdiff_t>(n));
    }
    std::ranges::sort(out);
    return out;
  }
  [[nodiscard]] std::size_t index(std::pair<LayerId, ExpertId> const& e) const {
    return space.index(static_cast<std::size_t>(e.first.value - 1), static_cast<std::size_t>(e.second.value));
  }
};

std::vector<store::ControlSet> of_kind(Controls const& controls, std::string const& kind) {
  std::vector<store::ControlSet> out;
  std::ranges::copy_if(controls.sets, std::back_inserter(out), [&](auto& c) { return c.kind == kind; });
  return out;
}

TEST(Controls, MatchedSetsAreAsManyOthersOfTheSameLayersWithTheSameTotals) {
  World const world(4, 64, 8);
  Members const set{3, 17, 40, 70, 71, 130, 200, 201, 202, 250};
  auto const controls = world.draw(set);
  auto const matched = of_kind(controls, "matched");
  EXPECT_EQ(matched.size(), 20U);
  std::set<std::vector<std::pair<LayerId, ExpertId>>> different;
  for (auto const& control : matched) {
    EXPECT_TRUE(control.matched);
    EXPECT_TRUE(std::ranges::is_sorted(control.experts, std::ranges::less_equal{}));  // each once
    std::map<int, int> layers;
    std::int64_t count = 0, benign_mass = 0, of_set = 0, benign_of_set = 0;
    for (auto const& e : control.experts) {
      ++layers[e.first.value];
      count += world.count[world.index(e)];
      benign_mass += world.benign_mass[world.index(e)];
      EXPECT_FALSE(std::ranges::binary_search(set, world.index(e)));
    }
    for (auto const e : set) {
      of_set += world.count[e];
      benign_of_set += world.benign_mass[e];
    }
    EXPECT_THAT(layers, ElementsAre(std::pair(1, 3), std::pair(2, 2), std::pair(3, 1), std::pair(4, 4)));
    ASSERT_EQ(control.ratio.size(), 4U);
    EXPECT_EQ(control.ratio[0].first, "usage harm");
    EXPECT_EQ(control.ratio[3].first, "gate mass help");
    EXPECT_NEAR(control.ratio[0].second, static_cast<double>(count) / static_cast<double>(of_set), 1e-12);
    EXPECT_NEAR(control.ratio[3].second,
                static_cast<double>(benign_mass) / static_cast<double>(benign_of_set), 1e-12);
    for (auto const& [name, ratio] : control.ratio) EXPECT_TRUE(ratio >= .9 && ratio <= 1.1) << name << ratio;
    different.insert(control.experts);
  }
  EXPECT_GT(different.size(), 15U);
  EXPECT_EQ(of_kind(controls, "dose").size(), 5U);
}

TEST(Controls, AreTheSameWhateverElseIsDrawn) {
  World const world(2, 64, 8);
  Members const set{3, 17, 70};
  auto const all = world.draw(set), few = world.draw(set, {.matched = 5, .dose = 2});
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(all.sets[i], few.sets[i]);
  EXPECT_EQ(of_kind(all, "dose")[1], of_kind(few, "dose")[1]);
  EXPECT_EQ(world.draw(set).sets, all.sets);
  EXPECT_NE(world.draw(set, {.seed = 1}).sets, all.sets);
  EXPECT_NE(world.draw(set, {}, "another set").sets, all.sets);
}

TEST(Controls, CandidatesAreWidenedUntilThree) {
  World world(1, 6, 1);
  world.count = {100, 110, 90, 60, 30, 1000};  // 110 and 90 are within 1.25; 60 within 1.25^3; 30 is not
  world.mass = world.benign_count = world.benign_mass = world.count;
  std::set<int> drawn;
  for (auto const& control : of_kind(world.draw({0}, {.matched = 200, .tries = 1}), "matched"))
    drawn.insert(control.experts.at(0).second.value);
  EXPECT_THAT(drawn, ElementsAre(1, 2, 3));
  world.benign_mass[1] = 1;  // one quantity is enough to be no candidate
  drawn.clear();
  for (auto const& control : of_kind(world.draw({0}, {.matched = 200, .tries = 1}), "matched"))
    drawn.insert(control.experts.at(0).second.value);
  EXPECT_THAT(drawn, ElementsAre(2, 3, 4));
}

TEST(Controls, MostUsedExpertsHaveNoMatchAndSayIt) {
  World const world(3, 32, 40);
  auto const controls = world.draw(world.top(4), {.tries = 50});
  for (auto const& control : of_kind(controls, "matched")) {
    EXPECT_FALSE(control.matched);
    EXPECT_LT(control.ratio[0].second, .9);
    EXPECT_EQ(control.experts.size(), 12U);
  }
  EXPECT_THAT(controls.notes, Contains(HasSubstr("matched: 0 of 20 controls")));
  // the next best of the benign set
  auto const benign = of_kind(controls, "benign_top");
  ASSERT_EQ(benign.size(), 1U);
  std::int64_t least = INT64_MAX;
  std::set<std::size_t> chosen;
  for (auto const& e : benign[0].experts) {
    if (e.first.value != 1) continue;
    chosen.insert(world.index(e));
    least = std::min(least, world.benign_count[world.index(e)]);
  }
  EXPECT_EQ(chosen.size(), 4U);
  for (std::size_t e = 0; e < 32; ++e)
    if (!chosen.contains(e) && !std::ranges::binary_search(world.top(4), e)) {
      EXPECT_LE(world.benign_count[e], least);
    }
  // the dose: more experts of the same gate mass
  for (auto const& control : of_kind(controls, "dose")) {
    EXPECT_TRUE(control.matched);
    EXPECT_GT(control.experts.size(), 12U);
    EXPECT_GE(control.ratio[1].second, 1);
    EXPECT_LE(control.ratio[1].second, 1.1);
  }
}

TEST(Controls, DoseLeavesKFreeAndFallsShortWhereThereIsNoMore) {
  World world(1, 10, 2);
  world.mass[7] = 100 * world.mass[7];
  auto const controls = world.draw({7});  // all nine others do not weigh as much, and six may be masked
  auto const dose = of_kind(controls, "dose");
  ASSERT_EQ(dose.size(), 5U);
  for (auto const& control : dose) {
    EXPECT_EQ(control.experts.size(), 6U);
    EXPECT_FALSE(control.matched);
    EXPECT_LT(control.ratio[1].second, .9);
  }
  EXPECT_THAT(controls.notes, Contains(HasSubstr("dose: 0 of 5 controls")));
}

TEST(Controls, DosePassesOverWhatWeighsTooMuch) {
  World world(1, 64, 2);
  world.mass[7] = 100 * world.mass[7];
  for (auto const& control : of_kind(world.draw({3, 4, 5, 6}, {.dose = 40, .tries = 1}), "dose")) {
    EXPECT_FALSE(std::ranges::count(control.experts, std::pair(LayerId(1), ExpertId(7))));
    EXPECT_TRUE(control.matched);
  }
}

TEST(Controls, HoldNoneOfThoseLeftOut) {
  World const world(2, 10, 3);
  std::vector<std::size_t> const left_out{2, 3, 14};
  auto const drawn = world.draw({0, 11}, {.matched = 50, .left_out = left_out});
  ASSERT_EQ(of_kind(drawn, "matched").size(), 50U);
  for (auto const& control : drawn.sets)
    for (auto const& [layer, expert] : control.experts)
      for (auto const e : left_out)
        EXPECT_FALSE(layer == LayerId(e < 10 ? world.space.layers[0] : world.space.layers[1]) &&
                     expert == ExpertId(static_cast<std::int32_t>(e % 10)));
}

TEST(Controls, WhatCannotBeDrawnIsSaid) {
  World const world(2, 10, 3);
  Members crowded(6);
  std::iota(crowded.begin(), crowded.end(), 10U);
  auto const few = world.draw(crowded);
  EXPECT_TRUE(of_kind(few, "matched").empty());
  EXPECT_THAT(few.notes, Contains(HasSubstr("so many of the 10 experts of layer 2")));
  EXPECT_FALSE(of_kind(few, "dose").empty());
  Members all(10);
  std::iota(all.begin(), all.end(), 0U);
  auto const none = world.draw(all);
  EXPECT_TRUE(none.sets.empty());
  EXPECT_THAT(none.notes, Contains(HasSubstr("every expert of its layers")));
  EXPECT_THAT(none.notes, Contains(HasSubstr("no dose control")));
  EXPECT_THAT(world.draw({}).notes, ElementsAre(HasSubstr("the set has no experts")));
}

TEST(Controls, UnusedExpertsGiveFiniteRatiosThatCanBeStored) {
  World world(1, 12, 2);
  for (std::size_t e = 0; e < 6; ++e)
    world.count[e] = world.mass[e] = world.benign_count[e] = world.benign_mass[e] = 0;
  auto const unused = draw_controls(world.space, "s", Members{0, 1}, world.harm(), std::nullopt, {});
  EXPECT_EQ(unused.sets.size(), 20U);  // no benign set, no gate mass to reach
  for (auto const& control : unused.sets) {
    EXPECT_TRUE(control.matched);  // with others that are unused
    EXPECT_EQ(control.ratio.size(), 2U);
  }
  test::Scratch const scratch;
  store::ExpertSet set{.name = "s", .criterion = "js", .model = "m"};
  set.experts = {{LayerId(1), ExpertId(0), 1}, {LayerId(1), ExpertId(8), .5}};
  set.controls = world.draw({0, 8}).sets;
  EXPECT_GT(set.controls.size(), 20U);
  store::write_expert_set(scratch / "s.json", set);
  EXPECT_EQ(store::read_expert_set(scratch / "s.json").controls, set.controls);
}

}  // namespace
}  // namespace moerae
