// Passes through a whole tiny model: taps, conditions and replay, on one rank and on several.

#include <gtest/gtest.h>
#include <torch/types.h>

#include <map>

#include "model/layers.hpp"
#include "model/made_model.hpp"
#include "model/router_rules.hpp"
#include "model/schedule/walk.hpp"
#include "moerae/model/schedule/resident.hpp"

namespace moerae {
namespace {

// Keeps what it sees.
class Seen final : public LayerTap {
 public:
  void on_decision(LayerId layer, Rows const& rows, RoutingDecision const& decision) override {
    EXPECT_EQ(decision.experts.size(0), rows.size());
    decisions[layer.value] = decision;
  }
  void on_output(LayerId layer, torch::Tensor const& y) override { outputs[layer.value] = y; }
  void on_largest(LayerId layer, RoutingDecision const&, torch::Tensor const& of) override {
    largest[layer.value] = of;
  }
  std::map<std::int32_t, RoutingDecision> decisions;
  std::map<std::int32_t, torch::Tensor> outputs, largest;
};

class Schedule : public testing::Test {
 protected:
  Schedule() {
    torch::manual_seed(5 + static_cast<std::uint64_t>(world_.rank()));  // ranks have different rows
  }
  torch::Tensor run(Rows const& rows, Seen& seen, std::vector<RouterEdit> const* edits = nullptr) {
    Pass pass{rows, &seen, edits};
    return forward(model_, pass);
  }

  torch::NoGradGuard no_grad_;
  mpi::Comm world_ = mpi::Comm::world();
  std::uint32_t seed_ = static_cast<std::uint32_t>(world_.rank()) * 10;
  std::vector<std::uint32_t> a_ = test::made_tokens(9, seed_ + 1), b_ = test::made_tokens(6, seed_ + 2);
  ModelPlan plan_ = test::made_plan();
  ModelWeights weights_ = test::made_weights(plan_, world_.rank(), world_.size());
  ExpertGroup group_{world_, plan_.router().experts};
  ResidentModel model_{plan_, weights_, group_.exchange};
};

TEST_F(Schedule, EveryWidthComputesTheSame) {
  Seen seen, alone_seen;
  auto const rows = Rows::of({{a_}, {b_}});
  auto const y = run(rows, seen);
  auto const all = test::made_weights(plan_);
  ExpertGroup alone(mpi::Comm(), plan_.router().experts);
  Pass pass{rows, &alone_seen};
  auto const expected = forward({plan_, all, alone.exchange}, pass);
  EXPECT_TRUE(torch::allclose(y, expected, 1e-5, 1e-5));
  for (auto const& [layer, decision] : seen.decisions)
    EXPECT_TRUE(torch::equal(decision.experts, alone_seen.decisions.at(layer).experts));
}

TEST_F(Schedule, ARecordingSeesTheDecisionsOfAWholePassAndNoLastOutput) {
  Seen whole, recorded;
  auto const rows = Rows::of({{a_}, {b_}});
  (void)run(rows, whole);
  Pass pass{rows, &recorded};
  record(model_, pass);
  ASSERT_EQ(whole.decisions.size(), 3U);
  ASSERT_EQ(recorded.decisions.size(), 3U);
  for (auto const& [layer, decision] : whole.decisions) {
    EXPECT_TRUE(torch::equal(decision.logits, recorded.decisions.at(layer).logits));
    EXPECT_TRUE(torch::equal(decision.weights, recorded.decisions.at(layer).weights));
  }
  EXPECT_EQ(whole.outputs.size(), 3U);
  EXPECT_EQ(recorded.outputs.size(), 2U);
}

TEST_F(Schedule, TheLargestOutputsAreThoseOfEveryChoice) {
  Seen seen, unasked;
  auto const rows = Rows::of({{a_}, {b_}});
  Pass pass{.rows = rows, .tap = &seen, .largest = true};
  record(model_, pass);
  ASSERT_EQ(seen.largest.size(), 2U);  // the experts of the last layer are not computed
  auto const whole = test::made_weights(plan_);
  // what enters the first MoE layer, by itself
  Pass again{rows};
  auto const h = through(start(model_, again), layer_of(model_, 0), group_.exchange, again);
  auto const layer = Layer{plan_, LayerId(1), whole.layers[1]};
  auto const entered = enter(h, layer, again);
  auto const& experts = seen.decisions.at(1).experts;
  for (std::int64_t t = 0; t < rows.size(); ++t)
    for (std::int64_t j = 0; j < 3; ++j) {
      auto const& expert = layer.moe().experts[static_cast<std::size_t>(experts[t][j].item<std::int64_t>())];
      auto const out = gated_mlp(entered.x.narrow(0, t, 1), expert);
      EXPECT_NEAR(seen.largest.at(1)[t][j].item<float>(), out.abs().max().item<float>(), 1e-5);
    }
  (void)run(rows, unasked);
  EXPECT_TRUE(unasked.largest.empty());
}

TEST_F(Schedule, TwoConditionsInOnePassEqualTwoPasses) {
  std::vector<RouterEdit> edits(plan_.layers.size());
  edits[1].masked = test::experts_table({{0, 4}, {}}, 7);
  edits[2].raised = test::experts_table({{}, {6}}, 7);
  edits[3].scale = torch::rand({2, 7});
  auto rows = Rows::of({{a_}, {b_}});
  auto const under = [&](torch::Tensor const& condition, Seen& seen) {
    rows.condition = condition;
    return run(rows, seen, &edits);
  };
  Seen first, second, both;
  auto const of_a = under(torch::zeros({15}, torch::kInt64), first),
             of_b = under(torch::ones({15}, torch::kInt64), second),
             together =
                 under(torch::cat({torch::zeros({9}, torch::kInt64), torch::ones({6}, torch::kInt64)}), both);
  EXPECT_TRUE(torch::allclose(together.narrow(0, 0, 9), of_a.narrow(0, 0, 9), 1e-5, 1e-5));
  EXPECT_TRUE(torch::allclose(together.narrow(0, 9, 6), of_b.narrow(0, 9, 6), 1e-5, 1e-5));
  EXPECT_FALSE(torch::allclose(of_a, of_b, 1e-2, 1e-2));
  for (auto const& [layer, decision] : both.decisions) {
    EXPECT_TRUE(
        torch::equal(decision.experts.narrow(0, 0, 9), first.decisions[layer].experts.narrow(0, 0, 9)));
    EXPECT_TRUE(
        torch::equal(decision.experts.narrow(0, 9, 6), second.decisions[layer].experts.narrow(0, 9, 6)));
  }
}

TEST_F(Schedule, ReplayedDecisionsGiveThePassAgain) {
  Seen original, masked, again;
  auto const rows = Rows::of({{a_}, {b_}});
  auto const y = run(rows, original);
  std::vector<RouterEdit> edits(plan_.layers.size());
  for (std::size_t i = 1; i < edits.size(); ++i) edits[i].masked = test::experts_table({{1, 3}}, 7);
  EXPECT_FALSE(torch::allclose(run(rows, masked, &edits), y, 1e-2, 1e-2));
  for (auto const& [layer, decision] : original.decisions)
    edits[static_cast<std::size_t>(layer)].replay = {decision.experts, decision.weights};
  EXPECT_TRUE(torch::equal(run(rows, again, &edits), y));
}

TEST_F(Schedule, AnEmptyPassTakesPart) {
  Seen seen;
  auto const rows = world_.rank() == 0 ? Rows::of({{a_}}) : Rows::of({});
  auto const y = run(rows, seen);
  EXPECT_EQ(y.size(0), rows.size());
  EXPECT_TRUE(torch::isfinite(y).all().item<bool>());
}

}  // namespace
}  // namespace moerae
