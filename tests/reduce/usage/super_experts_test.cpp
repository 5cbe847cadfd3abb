#include "moerae/reduce/usage/super_experts.hpp"

#include <gmock/gmock.h>

namespace moerae {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ExpertSpace const space{{1, 2, 3, 4}, 300, 8};

std::vector<double> ordinary() {
  std::vector<double> all(space.size());
  for (std::size_t e = 0; e < all.size(); ++e) all[e] = 100 + static_cast<double>(e % 400);
  return all;
}

TEST(SuperExperts, AreMassiveAndInTheFirstThreeQuartersOfTheLayers) {
  auto largest = ordinary();
  largest[7] = 9000;
  largest[650] = 4000;
  largest[990] = 8000;  // the last layer does not count
  EXPECT_THAT(super_experts(space, largest), ElementsAre(7, 650));
  largest[7] = 90000;  // a tenth of the largest
  EXPECT_THAT(super_experts(space, largest), ElementsAre(7));
}

TEST(SuperExperts, AModelWithoutMassiveActivationsHasNone) {
  EXPECT_THAT(super_experts(space, ordinary()), IsEmpty());
  auto largest = ordinary();
  largest[7] = 2500;  // above the percentile, below ten medians
  EXPECT_THAT(super_experts(space, largest), IsEmpty());
  EXPECT_THAT(super_experts(space, {}), IsEmpty());
}

}  // namespace
}  // namespace moerae
