#include "moerae/evaluate/condition.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "moerae/base/check.hpp"
#include "store/scratch.hpp"

namespace moerae {
namespace {

using test::message_of;
using testing::HasSubstr;

TEST(ConditionSpec, IsReadAsItIsPrinted) {
  for (auto const* text : {"none", "mask:hrcg", "mask:ses-regular@4", "steer+:a", "steer-:a", "force:a",
                           "scale=0.5:a", "scale=0:a@2", "mask:/tmp/x.json"})
    EXPECT_EQ(parse_condition(text).text(), text);
}

TEST(ConditionSpec, WhatIsWrongIsSaid) {
  for (auto const& [text, why] : {std::pair("mask", "no set is named"),
                                  {"mask:", "no set is named"},
                                  {"mask:@3", "no set is named"},
                                  {"blur:a", "unknown"},
                                  {"none:a", "unknown"},
                                  {"mask:a@0", "behind @"},
                                  {"mask:a@x", "behind @"},
                                  {"scale:a", "needs a factor"},
                                  {"scale=-1:a", "a number from 0"},
                                  {"mask=2:a", "behind scale="},
                                  {"scale=inf:a", "a number from 0"}})
    EXPECT_THAT(message_of<ConfigError>([&] { (void)parse_condition(text); }), HasSubstr(why)) << text;
}

store::ExpertSet made_set() {
  store::ExpertSet set{"pair", "ses", "m"};
  set.experts = {{LayerId(3), ExpertId(1), 0.9}, {LayerId(1), ExpertId(2), 0.8}};
  set.controls = {{"matched", {{LayerId(1), ExpertId(0)}, {LayerId(3), ExpertId(0)}}, {}},
                  {"matched", {{LayerId(1), ExpertId(3)}, {LayerId(3), ExpertId(3)}}, {}},
                  {"dose", {{LayerId(1), ExpertId(4)}}, {}}};
  return set;
}

TEST(Condition, HasItsControls) {
  auto const spec = parse_condition("mask:pair");
  auto const all = with_controls(spec, made_set(), 1);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].experts.front(), std::pair(LayerId(1), ExpertId(2)));
  EXPECT_FALSE(all[0].control);
  EXPECT_EQ(all[1].control_kind, "matched");
  EXPECT_EQ(all[2].control_kind, "dose");
  EXPECT_EQ(with_controls(spec, made_set(), 0).size(), 1U);
  EXPECT_THAT(message_of<ConfigError>([&] { (void)with_controls(spec, made_set(), 3); }),
              HasSubstr("has 2 matched controls, 3 are asked for"));
}

TEST(Condition, SaysWhichOfItsExpertsAreSuperExperts) {
  auto set = made_set();
  set.evidence["super_experts"] = {{1, 2}};
  auto const all = with_controls(parse_condition("mask:pair"), set, 1);
  EXPECT_EQ(all[0].supers, (std::vector{std::pair(LayerId(1), ExpertId(2))}));
  EXPECT_EQ(all[0].json().at("super_experts").dump(), "[[1,2]]");
  EXPECT_TRUE(all[1].supers.empty());
  EXPECT_FALSE(all[1].json().contains("super_experts"));
  auto const best = with_controls(parse_condition("mask:pair@1"), set, 0);
  EXPECT_TRUE(best[0].supers.empty());  // the best is another
}

TEST(Condition, TheBestOfASetHasNoControls) {
  auto const best = with_controls(parse_condition("mask:pair@1"), made_set(), 2);
  ASSERT_EQ(best.size(), 1U);
  EXPECT_EQ(best[0].experts, (std::vector{std::pair(LayerId(3), ExpertId(1))}));
  EXPECT_THAT(
      message_of<ConfigError>([&] { (void)with_controls(parse_condition("mask:pair@3"), made_set(), 0); }),
      HasSubstr("has 2 expert(s)"));
}

TEST(Condition, OtherExpertsUnderOneNameAreAnotherFolder) {
  auto one = with_controls(parse_condition("mask:pair"), made_set(), 0).front(), two = one;
  two.experts.pop_back();
  EXPECT_NE(one.slug(), two.slug());
  EXPECT_THAT(one.slug(), testing::StartsWith("mask-pair-"));
  EXPECT_EQ(Condition{}.slug(), "none");
  one.control = 7;
  EXPECT_THAT(one.slug(), testing::StartsWith("mask-pair-control-007-"));
}

}  // namespace
}  // namespace moerae
