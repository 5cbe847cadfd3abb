// At 1, 2 and 4 ranks: one expert group of all ranks.
#include "moerae/evaluate/generator.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "model/made_model.hpp"
#include "moerae/evaluate/edits.hpp"
#include "moerae/model/cache.hpp"
#include "moerae/model/exchange.hpp"
#include "moerae/model/vocabulary_logits.hpp"
#include "moerae/mpi/collective.hpp"

namespace moerae {
namespace {

struct Decided final : LayerTap {
  void on_decision(LayerId layer, Rows const&, RoutingDecision const& decision) override {
    experts[layer.value] = decision.experts;
  }
  std::map<std::int32_t, torch::Tensor> experts;
};

class GeneratorTest : public testing::Test {
 protected:
  GeneratorTest() {
    torch::manual_seed(5);
    for (int i = 0; i < 9; ++i) {
      std::vector<std::uint32_t> tokens;
      auto const drawn = torch::randint(plan_.vocabulary, {2 + 3 * (i % 4)}, torch::kInt64);
      for (std::int64_t t = 0; t < drawn.size(0); ++t)
        tokens.push_back(static_cast<std::uint32_t>(drawn[t].item<std::int64_t>()));
      prompts_.push_back(std::move(tokens));
    }
    rules_.stop = {7, 11, 30};
    rules_.max_new_tokens = 12;
    rules_.batch_tokens = 16;
    rules_.slots = 3;
    space_ = {{1, 2, 3}, 7, 3};
  }

  [[nodiscard]] ResidentModel model() { return {plan_, weights_, group_.exchange}; }

  // As many steps as the slowest rank of the group takes.
  std::vector<Reply> replies(std::vector<ReplyRequest> const& requests, ReplyRules const& rules,
                             std::vector<RouterEdit> const& edits) {
    torch::NoGradGuard const no_gradients;
    KvCache cache(plan_, std::vector<std::int64_t>(static_cast<std::size_t>(rules.slots), 11 + 12),
                  torch::kFloat32);
    Generator generator(model(), cache, space_, rules);
    generator.begin(requests, edits);
    while (group_.status.finish_step(generator.finished() ? mpi::Status::idle : mpi::Status::busy) ==
           mpi::Status::busy)
      generator.step();
    return generator.replies();
  }
  [[nodiscard]] std::vector<ReplyRequest> requests(std::int64_t condition = 0) const {
    std::vector<ReplyRequest> out;
    // ranks work on prompts of their own
    for (std::size_t i = static_cast<std::size_t>(world_.rank()); i < prompts_.size(); i += 2)
      out.push_back({prompts_[i], 100 + i, condition});
    return out;
  }
  // The whole sequence anew for every token, without a cache; all ranks compute the same.
  std::vector<std::uint32_t> slowly(std::span<std::uint32_t const> prompt, Decided* decided) {
    torch::NoGradGuard const no_gradients;
    std::vector<std::uint32_t> all(prompt.begin(), prompt.end());
    for (std::int64_t n = 0;; ++n) {
      auto const rows = Rows::of({{all}});
      Pass pass{.rows = rows, .tap = decided};
      auto const hidden = forward(whole_model(), pass);
      auto const ended = n > 0 && std::ranges::find(rules_.stop, all.back()) != rules_.stop.end();
      if (ended || n == rules_.max_new_tokens) break;
      auto const logits = vocabulary_logits(hidden.slice(0, -1), whole_, plan_);
      all.push_back(static_cast<std::uint32_t>(logits.argmax(-1).item<std::int64_t>()));
    }
    return {all.begin() + static_cast<std::ptrdiff_t>(prompt.size()), all.end()};
  }
  [[nodiscard]] ResidentModel whole_model() { return {plan_, whole_, alone_.exchange}; }

  mpi::Comm world_ = mpi::Comm::world();
  ModelPlan plan_ = test::made_plan();
  ModelWeights weights_ = test::made_weights(plan_, world_.rank(), world_.size());
  ModelWeights whole_ = test::made_weights(plan_);
  ExpertGroup group_{world_, 7}, alone_{mpi::Comm(), 7};
  std::vector<std::vector<std::uint32_t>> prompts_;
  ReplyRules rules_;
  ExpertSpace space_;
};

TEST_F(GeneratorTest, RepliesAreThoseOfOnePromptAtATimeWithoutACache) {
  auto const mine = requests();
  auto const made = replies(mine, rules_, std::vector<RouterEdit>(4));
  ASSERT_EQ(made.size(), mine.size());
  int stopped = 0;
  for (std::size_t i = 0; i < made.size(); ++i) {
    Decided decided;
    auto const tokens = slowly(mine[i].prompt, &decided);
    EXPECT_EQ(made[i].tokens, tokens);
    EXPECT_EQ(made[i].finish == Finish::length,
              std::ranges::find(rules_.stop, tokens.back()) == rules_.stop.end());
    stopped += made[i].finish == Finish::stop ? 1 : 0;
    // the routing of all tokens, the last one included, is that of the whole sequence at once
    auto const n = static_cast<std::int64_t>(mine[i].prompt.size() + tokens.size());
    ASSERT_EQ(made[i].experts.size(), static_cast<std::size_t>(n) * 3 * 3);
    for (std::int64_t l = 0; l < 3; ++l) {
      auto const& experts = decided.experts.at(static_cast<std::int32_t>(l + 1));
      ASSERT_EQ(experts.size(0), n);
      for (std::int64_t t = 0; t < n; ++t)
        for (std::int64_t j = 0; j < 3; ++j)
          EXPECT_EQ(made[i].experts[static_cast<std::size_t>((t * 3 + l) * 3 + j)],
                    experts[t][j].item<std::int64_t>());
    }
  }
  mpi::maximum(world_, std::span(&stopped, 1));
  EXPECT_GT(stopped, 0);  // else the stop ids say nothing
}

TEST_F(GeneratorTest, SlotsAndSizesOfPassesChangeNoToken) {
  auto const mine = requests();
  auto const made = replies(mine, rules_, std::vector<RouterEdit>(4));
  auto other = rules_;
  other.slots = 1;
  auto const one = replies(mine, other, std::vector<RouterEdit>(4));
  other.slots = 9;
  other.batch_tokens = 1000;
  auto const together = replies(mine, other, std::vector<RouterEdit>(4));
  for (std::size_t i = 0; i < mine.size(); ++i) {
    EXPECT_EQ(made[i].tokens, one[i].tokens);
    EXPECT_EQ(made[i].tokens, together[i].tokens);
    EXPECT_EQ(made[i].experts, together[i].experts);
  }
}

TEST_F(GeneratorTest, ConditionsShareAPass) {
  std::vector<Condition> const conditions{
      {parse_condition("mask:a"), {{LayerId(1), ExpertId(0)}, {LayerId(2), ExpertId(3)}}},
      {parse_condition("force:b"), {{LayerId(3), ExpertId(5)}}}};
  auto const edits = edits_of(conditions, plan_);
  std::vector<ReplyRequest> all;
  for (std::int64_t c = 0; c < 3; ++c)
    for (auto const& request : requests(c)) all.push_back(request);
  auto const made = replies(all, rules_, edits);
  std::size_t i = 0;
  int changed = 0;
  for (std::int64_t c = 0; c < 3; ++c) {
    auto const alone = replies(requests(c), rules_, edits);
    for (auto const& reply : alone) {
      EXPECT_EQ(made[i].tokens, reply.tokens);
      EXPECT_EQ(made[i].experts, reply.experts);
      changed += reply.tokens != made[i % requests().size()].tokens ? 1 : 0;
      ++i;
    }
  }
  mpi::maximum(world_, std::span(&changed, 1));
  EXPECT_GT(changed, 0);
}

TEST_F(GeneratorTest, APhaseLeavesTheRestAlone) {
  std::vector<Condition> const conditions{{parse_condition("force:b"), {{LayerId(1), ExpertId(5)}}}};
  auto const edits = edits_of(conditions, plan_);
  auto const forced = [](Reply const& reply, std::size_t token) {
    auto const* chosen = reply.experts.data() + token * 3 * 3;  // layer 1 is the first
    return std::find(chosen, chosen + 3, 5) != chosen + 3;
  };
  auto const mine = requests(1);
  std::array<std::array<int, 2>, 3> left{};  // [phase][part]: tokens without expert 5
  for (auto const phase : {Phase::prompt, Phase::response, Phase::both}) {
    auto rules = rules_;
    rules.phase = phase;
    auto const made = replies(mine, rules, edits);
    for (std::size_t i = 0; i < made.size(); ++i)
      for (std::size_t t = 0; t < mine[i].prompt.size() + made[i].tokens.size(); ++t)
        left[static_cast<std::size_t>(phase)][t < mine[i].prompt.size() ? 0 : 1] +=
            forced(made[i], t) ? 0 : 1;
  }
  EXPECT_EQ(left[0][0], 0);
  EXPECT_EQ(left[1][1], 0);
  EXPECT_EQ(left[2], (std::array{0, 0}));
  EXPECT_GT(left[0][1], 0);
  EXPECT_GT(left[1][0], 0);
}

}  // namespace
}  // namespace moerae
