#include "moerae/evaluate/edits.hpp"

#include <gmock/gmock.h>

#include "model/made_model.hpp"
#include "moerae/base/check.hpp"
#include "store/scratch.hpp"

namespace moerae {
namespace {

using test::message_of;
using testing::AllOf;
using testing::HasSubstr;

Condition on(std::string const& text, std::vector<std::pair<LayerId, ExpertId>> experts) {
  return {parse_condition(text), std::move(experts)};
}

TEST(Edits, EveryConditionHasItsRow) {
  auto const plan = test::made_plan();  // layer 0 is dense
  std::vector const conditions{on("mask:a", {{LayerId(1), ExpertId(2)}, {LayerId(3), ExpertId(0)}}),
                               on("scale=0.5:b", {{LayerId(1), ExpertId(6)}})};
  auto const edits = edits_of(conditions, plan);
  ASSERT_EQ(edits.size(), 4U);
  EXPECT_FALSE(edits[0].masked.defined());
  EXPECT_FALSE(edits[2].masked.defined());
  EXPECT_TRUE(edits[1].masked.nonzero().equal(torch::tensor({{1, 2}}, torch::kInt64)));
  EXPECT_TRUE(edits[3].masked.nonzero().equal(torch::tensor({{1, 0}}, torch::kInt64)));
  EXPECT_EQ(edits[1].scale.index({2, 6}).item<float>(), 0.5F);
  EXPECT_EQ(edits[1].scale.sum().item<float>(), 20.5F);
}

TEST(Edits, WhatAModelCanNotFollowIsRefused) {
  auto const plan = test::made_plan();
  auto const refused = [&](Condition const& condition) {
    return message_of<ConfigError>([&] { (void)edits_of({{condition}}, plan); });
  };
  EXPECT_THAT(refused(on("mask:a", {{LayerId(0), ExpertId(1)}})), HasSubstr("another model"));
  EXPECT_THAT(refused(on("mask:a", {{LayerId(9), ExpertId(1)}})), HasSubstr("another model"));
  EXPECT_THAT(refused(on("mask:a", {{LayerId(1), ExpertId(7)}})), HasSubstr("no expert 7 in layer 1"));
  std::vector<std::pair<LayerId, ExpertId>> most;
  for (int e = 0; e < 5; ++e) most.emplace_back(LayerId(2), ExpertId(e));  // leaves 2 of 3
  EXPECT_THAT(refused(on("mask:most", most)), AllOf(HasSubstr("mask-most"), HasSubstr("layer 2")));
}

}  // namespace
}  // namespace moerae
