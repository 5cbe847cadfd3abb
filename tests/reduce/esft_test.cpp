#include "reduce/esft.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reduce/made_run.hpp"

namespace moerae {
namespace {

using testing::ElementsAre;

TEST(Esft, TakesExpertsUntilTheSumIsReachedTestingBefore) {
  ExpertSpace const space{{1, 2}, 4, 1};
  // layer 1: 0 and 2 tie, 1500 + 1500 reaches 3000 exactly; layer 2: one is enough
  std::vector<std::int64_t> const units{1500, 500, 1500, 500, 100, 9000, 400, 500};
  EXPECT_THAT(esft_select(space, units, .3), ElementsAre(0, 2, 5));
  EXPECT_THAT(esft_select(space, units, .3001), ElementsAre(0, 2, 1, 5));
  EXPECT_THAT(esft_select(space, units, .0001), ElementsAre(0, 5));
  EXPECT_THAT(esft_select(space, {0, 0, 0, 0, 0, 0, 0, 0}, .2), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST(Esft, ScoresAndTheirUnits) {
  ExpertSpace const space{{1}, 3, 2};
  auto const table = test::made_table("s", space, {{1, 2, 3}}, {3});  // weights of .25
  auto const total = totals(table);
  auto const& token = *find_esft("esft_token");
  auto const& gate = *find_esft("esft_gate");
  EXPECT_THAT(token.score(space, total), ElementsAre(1.0 / 6, 2.0 / 6, 3.0 / 6));
  EXPECT_THAT(token.units(space, total), ElementsAre(1667, 3333, 5000));
  EXPECT_THAT(gate.score(space, total), ElementsAre(.25 / 3, .5 / 3, .75 / 3));
  EXPECT_THAT(gate.units(space, total), ElementsAre(833, 1667, 2500));
  EXPECT_EQ(find_esft("esft"), nullptr);
}

TEST(Esft, HalvesAreRoundedToEven) {
  ExpertSpace const space{{1}, 2, 1};
  // 1/20000 and 3/20000 are 0.5 and 1.5 units
  auto const table = test::made_table("s", space, {{1, 3}}, {20000});
  EXPECT_THAT(find_esft("esft_token")->units(space, totals(table)), ElementsAre(0, 2));
}

}  // namespace
}  // namespace moerae
