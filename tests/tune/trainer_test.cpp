// At 1, 2 and 4 ranks, as every grid that they can form.
#include "moerae/tune/trainer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "moerae/base/check.hpp"
#include "moerae/mpi/collective.hpp"
#include "store/scratch.hpp"
#include "tune/made_training.hpp"
#include "tune/step_gradient.hpp"

namespace moerae {
namespace {

using test::Training;

void expect_near(std::vector<float> const& a, std::vector<float> const& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], tolerance) << i;
}

void expect_alike(Trainer::Result const& a, Trainer::Result const& b) {
  for (auto const& [name, values] : a.info.history) {
    auto const& others = b.info.history.at(name);
    ASSERT_EQ(values.size(), others.size());
    for (std::size_t i = 0; i < values.size(); ++i)
      EXPECT_NEAR(values[i], others[i], 1e-5 * std::abs(values[i]) + 1e-6) << name << " of step " << i;
  }
  EXPECT_EQ(a.info.tokens, b.info.tokens);
  for (auto const& [map, norms] : a.info.norms)
    for (std::size_t i = 0; i < norms.size(); ++i)
      EXPECT_NEAR(norms[i], b.info.norms.at(map)[i], 1e-5) << map;
  for (auto const& [name, tensor] : a.tensors) {
    EXPECT_EQ(tensor.shape, b.tensors.at(name).shape);
    expect_near(tensor.values, b.tensors.at(name).values, 2e-5);
  }
}

struct TrainerTest : testing::TestWithParam<Trained> {
  mpi::Comm world = mpi::Comm::world(), alone;
  TuneOptions options = test::made_options(GetParam());

  Trainer::Result trained(Training& training) {
    while (training.trainer.steps() < options.steps) training.trainer.step();
    return training.trainer.result(/*with_optimiser=*/true);
  }
};

TEST_P(TrainerTest, EveryGridTrainsTheSame) {
  Training one(alone, 1, options);
  auto const expected = trained(one);
  auto const& loss = expected.info.history.at("loss");
  EXPECT_LT(loss.back(), loss.front() - 0.1);
  // nothing is learned yet: the model is the frozen one
  EXPECT_NEAR(expected.info.history.at("retain").front(), 0, 1e-6);
  EXPECT_NEAR(expected.info.history.at("routing").front(), 0, 1e-6);
  EXPECT_GT(expected.info.history.at("retain").back(), 1e-5);
  EXPECT_GT(expected.info.history.at("routing").back(), 1e-5);
  EXPECT_GT(std::accumulate(expected.info.tokens.begin(), expected.info.tokens.end(), std::int64_t{0}), 20);
  for (auto const* map : {"gate", "up", "down"}) EXPECT_GT(expected.info.norms.at(map).at(1), 1e-3) << map;
  for (int const width : test::widths(world.size())) {
    Training training(world, width, options);
    expect_alike(trained(training), expected);
  }
}

TEST_P(TrainerTest, TheSameGridGivesTheSameBitsInterruptedOrNot) {
  test::Scratch const scratch;  // of each rank
  for (int const width : test::widths(world.size())) {
    Training whole(world, width, options);
    auto const expected = trained(whole);
    Training first(world, width, options);
    while (first.trainer.steps() < 3) first.trainer.step();
    auto const half = first.trainer.result(true);
    auto const path = scratch / fmt::format("step-{}.h5", width);
    store::write_adapter(path, half.info, half.tensors, store::make_provenance(store::adapter_schema));
    Training second(world, width, options);
    second.trainer.restore(store::AdapterReader::open(path));
    EXPECT_EQ(second.trainer.steps(), 3);
    auto const found = trained(second);
    EXPECT_EQ(found.info.history, expected.info.history);
    EXPECT_EQ(found.info.tokens, expected.info.tokens);
    for (auto const& [name, tensor] : expected.tensors)
      EXPECT_EQ(found.tensors.at(name).values, tensor.values) << name;
    // on another grid
    Training other(alone, 1, options);
    other.trainer.restore(store::AdapterReader::open(path));
    expect_alike(trained(other), expected);
  }
}

// Along the gradient the loss rises by its square, part by part of what is trained.
TEST_P(TrainerTest, GradientsAreFiniteDifferencesOfTheLoss) {
  Training training(alone, 1, options);
  TuneSetting const setting{alone,
                            training.grid,
                            training.group.status,
                            {training.plan, training.weights, training.group.exchange},
                            training.weights,
                            training.corpus,
                            training.examples,
                            training.chosen,
                            training.options,
                            5};
  training.weights = test::made_weights(training.plan);  // without what the trainer put there
  TrainedExperts trained(training.plan, training.weights, training.chosen, options, 5);
  torch::manual_seed(3);
  trained.values().add_(torch::randn_like(trained.values()) * 0.05);
  trained.show();
  Indices batch(training.examples.size());
  std::iota(batch.begin(), batch.end(), 0U);
  auto const factor = factors(setting, batch);
  auto const loss = [&] {
    trained.show();
    Terms sums;
    add_pass(setting, batch, factor, trained, sums);
    double total = 0;
    for (std::size_t t = 0; t < sums.of.size(); ++t) {
      EXPECT_GT(sums.of[t], 0);
      total += sums.of[t] * factor.of[t];
    }
    return total;
  };
  trained.gradient().zero_();
  (void)loss();
  auto const gradient = trained.gradient().clone();
  for (auto const& [name, shape] : trained.shapes()) {
    auto direction = torch::zeros_like(gradient);
    for (std::size_t i = 0; i < trained.own().size(); ++i)
      trained.part(i, name, direction).copy_(trained.part(i, name, gradient));
    auto const square = direction.square().sum().item<double>();
    ASSERT_GT(square, 1e-6) << name;
    auto const epsilon = 8e-3 / std::sqrt(square);
    auto const values = trained.values().clone();
    trained.values().copy_(values + direction * epsilon);
    auto const above = loss();
    trained.values().copy_(values - direction * epsilon);
    auto const below = loss();
    trained.values().copy_(values);
    EXPECT_NEAR((above - below) / (2 * epsilon * square), 1, 5e-3) << name;
  }
}

TEST_P(TrainerTest, WhatDivergesIsAnErrorOnEveryRank) {
  Training training(world, world.size(), options);
  training.trainer.step();
  training.weights.head.weight.fill_(std::numeric_limits<float>::quiet_NaN());
  EXPECT_THROW(training.trainer.step(), Error);
  EXPECT_EQ(training.trainer.steps(), 1);
}

TEST_P(TrainerTest, NothingButTheChosenExpertsChanges) {
  Training training(world, world.size(), options);
  auto const before = test::made_weights(training.plan, world.rank(), world.size());
  (void)trained(training);
  auto const& layers = training.weights.layers;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    EXPECT_TRUE(torch::equal(layers[l].attention.qkv.weight, before.layers[l].attention.qkv.weight));
    auto const* moe = std::get_if<MoeWeights>(&layers[l].feed_forward);
    if (!moe) continue;
    auto const& were = std::get<MoeWeights>(before.layers[l].feed_forward);
    EXPECT_TRUE(torch::equal(moe->router.weight, were.router.weight));
    for (std::size_t e = 0; e < moe->experts.size(); ++e) {
      store::ExpertKey const key{
          LayerId(static_cast<std::int32_t>(l)),
          ExpertId(static_cast<std::int32_t>(moe->first + static_cast<std::int64_t>(e)))};
      bool const chosen = std::ranges::find(training.chosen, key) != training.chosen.end();
      bool const touched = moe->experts[e].down.adapter.has_value() ||
                           !torch::equal(moe->experts[e].down.weight, were.experts[e].down.weight);
      EXPECT_EQ(chosen, touched) << "layer " << l << ", expert " << key.expert.value;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, TrainerTest, testing::Values(Trained::lora, Trained::full),
                         [](auto const& instance) { return word_of(trained_words, instance.param); });

}  // namespace
}  // namespace moerae
