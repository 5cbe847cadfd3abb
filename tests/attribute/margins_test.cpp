#include "attribute/margins.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "attribute/made_openings.hpp"
#include "moerae/model/exchange.hpp"
#include "moerae/model/schedule/resident.hpp"
#include "moerae/model/vocabulary_logits.hpp"

namespace moerae {
namespace {

struct MarginsTest : testing::Test {
  Corpus corpus = test::made_openings(4);
  ModelPlan plan = test::made_plan();
  ModelWeights weights = test::made_weights(plan);
  ExpertGroup alone{mpi::Comm(), 7};
  ResidentModel model{plan, weights, alone.exchange};
  torch::NoGradGuard no_gradients;

  // Mean log p of an opening, the sequence by itself.
  double mean_log_p(std::size_t prompt, std::size_t opening) {
    auto const start = corpus.tokens_of(prompt), reply = corpus.continuations.tokens_of(opening);
    std::vector<std::uint32_t> all(start.begin(), start.end());
    all.insert(all.end(), reply.begin(), reply.end());
    auto const rows = Rows::of({{all}});
    Pass pass{rows};
    auto const log_p = torch::log_softmax(vocabulary_logits(forward(model, pass), weights, plan), -1);
    double sum = 0;
    for (std::size_t i = 0; i < reply.size(); ++i)
      sum += log_p[static_cast<std::int64_t>(start.size() + i) - 1][reply[i]].item<double>();
    return sum / static_cast<double>(reply.size());
  }
};

TEST_F(MarginsTest, AreThoseOfEveryOpeningByItself) {
  std::vector<MarginRequest> const requests{{2}, {0}, {3}};
  Margins const margins(corpus, requests, Phase::both);
  Pass pass{margins.rows()};
  auto const found = margins.of(forward(model, pass), weights, plan);
  ASSERT_EQ(found.size(0), 3);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    auto const p = requests[i].prompt;
    auto const openings = openings_of(corpus, p);
    ASSERT_EQ(openings.refuse, (std::vector{3 * p, 3 * p + 2}));
    ASSERT_EQ(openings.comply, (std::vector{3 * p + 1}));
    auto const expected = std::log(std::exp(mean_log_p(p, 3 * p)) + std::exp(mean_log_p(p, 3 * p + 2))) -
                          mean_log_p(p, 3 * p + 1);
    EXPECT_NEAR(found[static_cast<std::int64_t>(i)].item<double>(), expected, 1e-5);
  }
  EXPECT_EQ(margins.rows().size(),
            margin_tokens(corpus, 2) + margin_tokens(corpus, 0) + margin_tokens(corpus, 3));
}

TEST_F(MarginsTest, AConditionActsOnItsPhase) {
  std::vector<MarginRequest> const requests{{1, 5}};  // 4 tokens, openings of 1, 3 and 3
  auto const conditions = [&](Phase phase) {
    auto const condition = Margins(corpus, requests, phase).rows().condition;
    return std::vector<std::int64_t>(condition.data_ptr<std::int64_t>(),
                                     condition.data_ptr<std::int64_t>() + condition.size(0));
  };
  // refusing: [4] and [4 + 2], then complying: [4 + 2]; the last token of an opening is not fed
  EXPECT_EQ(conditions(Phase::prompt),
            (std::vector<std::int64_t>{5, 5, 5, 5, 5, 5, 5, 5, 0, 0, 5, 5, 5, 5, 0, 0}));
  EXPECT_EQ(conditions(Phase::response),
            (std::vector<std::int64_t>{0, 0, 0, 0, 0, 0, 0, 0, 5, 5, 0, 0, 0, 0, 5, 5}));
  EXPECT_EQ(conditions(Phase::both), std::vector<std::int64_t>(16, 5));
}

TEST_F(MarginsTest, NothingAskedIsNoRow) {
  Margins const margins(corpus, {}, Phase::both);
  Pass pass{margins.rows()};
  EXPECT_EQ(margins.of(forward(model, pass), weights, plan).size(0), 0);
}

TEST(Openings, APromptWithoutOneKindHasNoMargin) {
  auto corpus = test::made_openings(2);
  corpus.continuations.kind[1] = ContinuationKind::target;
  EXPECT_FALSE(openings_of(corpus, 0).complete());
  EXPECT_TRUE(openings_of(corpus, 1).complete());
}

}  // namespace
}  // namespace moerae
