// Edited decisions under every router rule, against what each rule says of the edited scores.

#include <gtest/gtest.h>
#include <torch/types.h>

#include <limits>

#include "model/router_rules.hpp"
#include "moerae/model/router.hpp"

namespace moerae {
namespace {

using test::experts_table;
using Score = RouterSpec::Score;
using Weight = RouterSpec::Weight;

constexpr std::int64_t experts = 8, tokens = 200;

class RouterEdits : public testing::TestWithParam<test::Rule> {
 protected:
  RouterEdits() {
    torch::manual_seed(7);
    logits_ = torch::randn({tokens, experts}) * 1.5;
    bias_ = torch::randn({experts}) * 0.3;
  }
  [[nodiscard]] RoutingDecision decided(RouterEdit const& edit = {},
                                        torch::Tensor const& condition = {}) const {
    return decide(logits_, bias_, spec_, edit, condition);
  }
  [[nodiscard]] static torch::Tensor has(torch::Tensor const& ids, std::int64_t expert) {  // [T]
    return (ids == expert).any(-1);
  }
  RouterSpec spec_ = GetParam().spec;
  torch::Tensor logits_, bias_;
};

void expect_same(RoutingDecision const& a, RoutingDecision const& b) {
  EXPECT_TRUE(torch::equal(a.logits, b.logits));
  EXPECT_TRUE(torch::equal(a.experts, b.experts));
  EXPECT_TRUE(torch::equal(a.weights, b.weights));
}

RoutingDecision some(RoutingDecision const& d, torch::Tensor const& rows) {
  return {d.logits.index_select(0, rows), d.experts.index_select(0, rows), d.weights.index_select(0, rows)};
}

// Every token under a condition that takes out one expert, which it had not chosen.
TEST_P(RouterEdits, TheRuleSaysWhetherUnchosenExpertsCount) {
  auto const free = decided();
  auto const chosen = torch::zeros({tokens, experts}, torch::kBool).scatter(1, free.experts, true);
  auto const one = torch::eye(experts, torch::kBool);
  for (auto const table : {&RouterEdit::masked, &RouterEdit::lowered}) {
    RouterEdit edit;
    edit.*table = one;
    double moved = 0;
    for (std::int64_t e = 0; e < experts; ++e) {
      auto const bound = decided(edit, torch::full({tokens}, e, torch::kInt64));
      auto const others = (~chosen.select(1, e)).nonzero().squeeze(1);
      ASSERT_GT(others.size(0), 0);
      auto const was = some(free, others), is = some(bound, others);
      moved += torch::equal(was.experts, is.experts) ? 0 : 1;
      moved = std::max(moved, (was.weights - is.weights).abs().max().item<double>());
    }
    if (spares_other_tokens(spec_)) {
      EXPECT_LT(moved, 1e-6);
    } else if (spec_.groups <= 1) {  // groups are never spared, though where k fill the best one none moves
      EXPECT_GT(moved, 1e-3);
    }
  }
}

TEST_P(RouterEdits, MaskedExpertsAreNeverSelectedAndTheLogitsStay) {
  RouterEdit const edit{.masked = experts_table({{2, 5}}, experts)};
  auto const free = decided(), bound = decided(edit);
  EXPECT_TRUE((has(free.experts, 2) | has(free.experts, 5)).any().item<bool>());  // there is something to do
  EXPECT_FALSE((has(bound.experts, 2) | has(bound.experts, 5)).any().item<bool>());
  EXPECT_TRUE(torch::equal(free.logits, bound.logits));
  EXPECT_TRUE(torch::isfinite(bound.weights).all().item<bool>());
  EXPECT_TRUE((bound.experts.diff(1, -1) > 0).all().item<bool>());
}

// With a softmax, or with logits as scores, a mask is the absence of the logit.
TEST_P(RouterEdits, AMaskIsAnAbsentLogitWhereScoresAreNoSigmoid) {
  if (spec_.score == Score::sigmoid) GTEST_SKIP() << "for a sigmoid the two differ: see the next test";
  auto const masked = experts_table({{2, 5}}, experts);
  auto const bound = decided({.masked = masked});
  auto const absent =
      decide(logits_.masked_fill(masked, -std::numeric_limits<float>::infinity()), bias_, spec_);
  EXPECT_TRUE(torch::equal(bound.experts, absent.experts));
  EXPECT_TRUE(torch::equal(bound.weights, absent.weights));
}

// With a sigmoid and a correction bias the score of the others does not change, and the bias must not bring
// the masked back.
TEST_P(RouterEdits, AMaskLeavesSigmoidScoresOfTheOthersAlone) {
  if (spec_.score != Score::sigmoid) GTEST_SKIP() << "sigmoid routers only";
  auto const masked = experts_table({{2, 5}}, experts);
  bias_ = bias_ + masked[0] * 100.0;
  auto const bound = decided({.masked = masked});
  EXPECT_FALSE((has(bound.experts, 2) | has(bound.experts, 5)).any().item<bool>());
  auto expected = torch::sigmoid(logits_).gather(-1, bound.experts);
  if (spec_.renormalise) expected = expected / expected.sum(-1, true);
  EXPECT_TRUE(torch::allclose(bound.weights, expected * spec_.scale));
}

// SteerMoE edits log-softmax scores and lets the model go on from there; a softmax does not see the shift.
TEST_P(RouterEdits, SteeringIsThatOfSteerMoE) {
  if (spec_.score == Score::sigmoid || spec_.weight == Weight::sparse_mixer)
    GTEST_SKIP() << "the published rule is for softmax routers";
  auto s = torch::log_softmax(logits_, -1);
  auto const top = s.amax(-1) + 0.01, bottom = s.amin(-1) - 0.01;
  s.select(1, 3).copy_(top);
  s.select(1, 6).copy_(bottom);
  auto const published = decide(s, bias_, spec_);
  auto const steered =
      decided({.raised = experts_table({{3}}, experts), .lowered = experts_table({{6}}, experts)});
  EXPECT_TRUE(torch::equal(steered.experts, published.experts));
  EXPECT_TRUE(torch::allclose(steered.weights, published.weights, 1e-5, 1e-6));
}

TEST_P(RouterEdits, RaisedComeFirstAndLoweredLast) {
  auto const up = decided({.raised = experts_table({{3}}, experts)}),
             down = decided({.lowered = experts_table({{6}}, experts)});
  if (spec_.groups == 1) {  // else their neighbours in the group count too
    EXPECT_TRUE(has(up.experts, 3).all().item<bool>());
    EXPECT_FALSE(has(down.experts, 6).any().item<bool>());
  }
  EXPECT_GT(has(up.experts, 3).sum().item<std::int64_t>(),
            has(decided().experts, 3).sum().item<std::int64_t>());
  EXPECT_LT(has(down.experts, 6).sum().item<std::int64_t>(),
            has(decided().experts, 6).sum().item<std::int64_t>());
}

TEST_P(RouterEdits, RaisedStandAboveInBfloat16Too) {
  if (spec_.groups > 1) GTEST_SKIP() << "its neighbours in the group count too";
  auto const logits = (logits_ + 30).to(torch::kBFloat16);                // a step is 0.125 there
  auto const edit = RouterEdit{.raised = experts_table({{7}}, experts)};  // the highest id loses every tie
  auto const picked = decide(logits, bias_, spec_, edit).experts;
  EXPECT_TRUE(has(picked, 7).all().item<bool>());
}

TEST_P(RouterEdits, ForcedAreSelectedAndWeighedByTheRule) {
  auto const forced = decided({.forced = experts_table({{1, 2}}, experts)});
  EXPECT_TRUE((has(forced.experts, 1) & has(forced.experts, 2)).all().item<bool>());
  EXPECT_TRUE((forced.experts.diff(1, -1) > 0).all().item<bool>());
  auto const group = forced.experts.div(experts / spec_.groups, "floor");
  EXPECT_TRUE(((group.diff(1, -1) != 0).sum(-1) < spec_.top_groups).all().item<bool>() || spec_.groups == 1);
  if (spec_.weight == Weight::sparse_mixer) return;  // its weights depend on the order of the picks
  // replaying these ids without weights asks the rule for the weights alone
  EXPECT_TRUE(torch::equal(forced.weights, decided({.replay = {forced.experts, {}}}).weights));
}

TEST_P(RouterEdits, ScaleIsAFactorOnTheWeightAsApplied) {
  auto scale = torch::ones({1, experts});
  scale[0][4] = 0.25;
  auto const free = decided(), scaled = decided({.scale = scale});
  EXPECT_TRUE(torch::equal(free.experts, scaled.experts));
  EXPECT_TRUE(
      torch::equal(torch::where(free.experts == 4, free.weights * 0.25, free.weights), scaled.weights));
  EXPECT_TRUE(has(free.experts, 4).any().item<bool>());
}

TEST_P(RouterEdits, ConditionsShareADecisionWithoutSeeingEachOther) {
  auto scale = torch::ones({3, experts});
  scale[2][0] = 3;
  RouterEdit const edit{.masked = experts_table({{}, {2, 5}, {}}, experts),
                        .raised = experts_table({{}, {}, {3}}, experts),
                        .lowered = experts_table({{}, {1}, {}}, experts),
                        .forced = experts_table({{}, {4}, {}}, experts),
                        .scale = scale};
  auto const condition = torch::arange(tokens).remainder(3);
  auto const together = decided(edit, condition);
  for (std::int64_t c = 0; c < 3; ++c) {
    auto const rows = (condition == c).nonzero().squeeze(-1);
    expect_same(some(together, rows), some(decided(edit, torch::full({tokens}, c)), rows));
    if (c == 0) expect_same(some(together, rows), some(decided(), rows));  // nothing is asked of it
  }
  EXPECT_FALSE(torch::equal(together.experts, decided().experts));
}

TEST_P(RouterEdits, AReplayedDecisionEqualsTheOriginal) {
  auto const original = decided();
  expect_same(decided({.replay = {original.experts, {}}}), original);
  // another decision, and every other row of it put back; what is masked does not matter there
  RouterEdit edit{.masked = experts_table({{2, 5}}, experts)};
  auto const masked = decided(edit);
  auto const back = torch::arange(tokens).remainder(2).to(torch::kBool).unsqueeze(1);
  edit.replay = {torch::where(back, original.experts, -1), original.weights};
  auto const mixed = decided(edit);
  EXPECT_TRUE(torch::equal(mixed.experts, torch::where(back, original.experts, masked.experts)));
  EXPECT_TRUE(torch::equal(mixed.weights, torch::where(back, original.weights, masked.weights)));
}

INSTANTIATE_TEST_SUITE_P(Rules, RouterEdits, testing::ValuesIn(test::router_rules()),
                         [](auto const& tested) { return tested.param.name; });

}  // namespace
}  // namespace moerae
