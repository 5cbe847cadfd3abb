#include "moerae/model/sampler.hpp"

#include <gmock/gmock.h>

#include <map>

namespace moerae {
namespace {

using testing::ElementsAre;

TEST(Sampler, GreedyTakesTheFirstOfEquals) {
  auto const logits = torch::tensor({{0.0F, 2.0F, 2.0F}, {3.0F, -1.0F, 3.0F}});
  std::vector<TokenPlace> const places(2);
  EXPECT_THAT(sample(logits, {}, places), ElementsAre(1, 0));
}

TEST(Sampler, DrawsByTheSoftmaxOfTheNucleus) {
  // probabilities .5 .3 .15 .05; the first two reach .75
  auto const logits = torch::tensor({{.05F, .5F, .15F, .3F}}).log();
  std::map<std::uint32_t, int> all, nucleus;
  int const n = 20000;
  for (int i = 0; i < n; ++i) {
    std::vector<TokenPlace> const places{{7, i}};
    ++all[sample(logits, {.temperature = 1, .seed = 3}, places).front()];
    ++nucleus[sample(logits, {.temperature = 1, .top_p = .75, .seed = 3}, places).front()];
  }
  EXPECT_NEAR(all[1] / double{n}, .5, .015);  // 4 standard errors
  EXPECT_NEAR(all[3] / double{n}, .3, .015);
  EXPECT_NEAR(all[0] / double{n}, .05, .007);
  EXPECT_EQ(nucleus.size(), 2U);
  EXPECT_NEAR(nucleus[1] / double{n}, .625, .015);
}

TEST(Sampler, TemperatureSharpens) {
  auto const logits = torch::tensor({{.6F, .4F}}).log();
  int first = 0;
  int const n = 20000;
  for (int i = 0; i < n; ++i) {
    std::vector<TokenPlace> const places{{1, i}};
    first += sample(logits, {.temperature = .5}, places).front() == 0 ? 1 : 0;
  }
  EXPECT_NEAR(first / double{n}, .36 / .52, .015);
}

TEST(Sampler, ADrawHangsOnItsPlaceAndSeedAlone) {
  auto const row = torch::randn({1, 50});
  std::vector<TokenPlace> const places{{4, 9}, {5, 9}};
  SamplingOptions const options{.temperature = 2, .seed = 11};
  auto const both = sample(row.repeat({2, 1}), options, places);
  EXPECT_EQ(sample(row, options, std::span(places).first(1)).front(), both[0]);
  EXPECT_EQ(sample(row, options, std::span(places).last(1)).front(), both[1]);
}

}  // namespace
}  // namespace moerae
