#include "moerae/evaluate/base_replies.hpp"

#include <gtest/gtest.h>

#include "model/made_model.hpp"

namespace moerae {
namespace {

constexpr LayerId layer(2);
constexpr ExpertId expert(4);

// Four prompts: a template token of the first chose the expert, a token of the reply of the second, one of
// the user's text of the third, none of the last.
BaseReplies made_base() {
  BaseReplies base;
  base.record.space = {{1, 2, 3}, 7, 3};
  base.replies.resize(4);
  base.record.count.assign(std::size_t{4} * 3 * 21, 0);
  auto const place = base.record.space.index(1, 4);
  for (auto const& [prompt, at] :
       {std::pair{0, PositionClass::template_text}, {1, PositionClass::response}, {2, PositionClass::prompt}})
    base.record.count[(static_cast<std::size_t>(prompt) * 3 + static_cast<std::size_t>(at)) * 21 + place] = 2;
  // everybody chose its neighbours
  for (std::size_t cell = 0; cell < 12; ++cell)
    base.record.count[cell * 21 + place - 1] = base.record.count[cell * 21 + place + 1] =
        base.record.count[cell * 21 + base.record.space.index(2, 4)] = 5;
  return base;
}

std::vector<bool> kept(std::string const& condition, Phase phase, ModelPlan const& plan = test::made_plan()) {
  return untouched(made_base(), {parse_condition(condition), {{layer, expert}}}, phase, plan);
}

using Kept = std::vector<bool>;

TEST(Untouched, AreRepliesOnWhoseWayNoTokenThatIsActedOnChoseAnExpert) {
  for (auto const* condition : {"mask:a", "steer-:a", "scale=0.5:a"}) {
    EXPECT_EQ(kept(condition, Phase::both), (Kept{false, false, false, true})) << condition;
    EXPECT_EQ(kept(condition, Phase::prompt), (Kept{false, true, false, true})) << condition;
    EXPECT_EQ(kept(condition, Phase::response), (Kept{true, false, true, true})) << condition;
  }
}

TEST(Untouched, IsNothingThatRaisedOrForcedExpertsCouldReach) {
  for (auto const* condition : {"steer+:a", "force:a"})
    EXPECT_EQ(kept(condition, Phase::both), Kept(4, false)) << condition;
}

TEST(Untouched, DependsOnTheRuleOfTheRouter) {
  auto plan = test::made_plan();
  for (auto& spec : plan.layers)
    if (auto* moe = std::get_if<MoeSpec>(&spec.feed_forward)) moe->router.renormalise = false;
  EXPECT_EQ(kept("mask:a", Phase::both, plan), Kept(4, false));
  EXPECT_EQ(kept("steer-:a", Phase::both, plan), Kept(4, false));
  EXPECT_EQ(kept("scale=2:a", Phase::both, plan), (Kept{false, false, false, true}));
}

}  // namespace
}  // namespace moerae
