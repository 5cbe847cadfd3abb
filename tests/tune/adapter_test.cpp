// At 1, 2 and 4 ranks.
#include <gtest/gtest.h>

#include <cmath>

#include "moerae/base/check.hpp"
#include "moerae/tune/apply_adapter.hpp"
#include "store/scratch.hpp"
#include "tune/made_training.hpp"

namespace moerae {
namespace {

using test::Training;

struct AdapterTest : testing::TestWithParam<Trained> {
  mpi::Comm world = mpi::Comm::world();
  test::Scratch scratch;

  torch::Tensor hidden(ModelPlan const& plan, ModelWeights const& weights, ExpertExchange& exchange) {
    torch::NoGradGuard const no_graph;
    auto const tokens = test::made_tokens(20, 4);
    auto const rows = Rows::of({{tokens}});
    Pass pass{.rows = rows};
    return forward({plan, weights, exchange}, pass);
  }
};

TEST_P(AdapterTest, PutOnTheModelItIsWhatWasTrained) {
  Training training(world, world.size(), test::made_options(GetParam()));
  for (int i = 0; i < 4; ++i) training.trainer.step();
  auto const result = training.trainer.result(/*with_optimiser=*/false);
  auto const path = scratch / "adapter.h5";
  store::write_adapter(path, result.info, result.tensors, store::make_provenance(store::adapter_schema));
  auto const adapter = store::AdapterReader::open(path);
  EXPECT_EQ(adapter.info().history, result.info.history);
  EXPECT_EQ(adapter.info().norms, result.info.norms);

  auto const base = test::made_weights(training.plan, world.rank(), world.size());
  auto& exchange = training.group.exchange;
  auto const expected = hidden(training.plan, training.weights, exchange),
             plain = hidden(training.plan, base, exchange);
  EXPECT_GT((expected - plain).abs().max().item<double>(), 1e-2);
  auto const with = [&](double factor) {
    auto weights = base;
    apply_adapter(training.plan, weights, adapter, factor);
    return hidden(training.plan, weights, exchange);
  };
  EXPECT_LT((with(1) - expected).abs().max().item<double>(), 1e-5);
  EXPECT_LT((with(0) - plain).abs().max().item<double>(), 1e-6);
  EXPECT_GT((with(-1) - plain).abs().max().item<double>(), 1e-2);
}

TEST_P(AdapterTest, OfAnotherModelIsRefused) {
  mpi::Comm const alone;
  Training training(alone, 1, test::made_options(GetParam()));
  auto result = training.trainer.result(false);
  auto const written = [&](Trainer::Result const& what) {
    auto const path = scratch / "adapter.h5";
    store::write_adapter(path, what.info, what.tensors, store::make_provenance(store::adapter_schema));
    return store::AdapterReader::open(path);
  };
  auto const adapter = written(result);
  auto plan = training.plan;
  plan.hidden = 16;
  EXPECT_THROW(apply_adapter(plan, training.weights, adapter, 1), DataError);
  result.info.experts.back().expert = ExpertId(7);
  EXPECT_THROW(apply_adapter(training.plan, training.weights, written(result), 1), DataError);
  result.info.experts.back() = result.info.experts.front();
  EXPECT_THROW((void)written(result), DataError);
}

INSTANTIATE_TEST_SUITE_P(Methods, AdapterTest, testing::Values(Trained::lora, Trained::full),
                         [](auto const& instance) { return word_of(trained_words, instance.param); });

}  // namespace
}  // namespace moerae
