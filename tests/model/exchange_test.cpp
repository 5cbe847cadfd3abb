// The parts that parity with transformers cannot tell apart: ties, ownership, empty batches, failure in a
// group.

#include "moerae/model/exchange.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "moerae/model/experts.hpp"
#include "moerae/model/layers.hpp"
#include "moerae/mpi/agree.hpp"

namespace moerae {
namespace {

constexpr std::int64_t experts = 7, hidden = 6, inner = 5, top_k = 3;

struct Layer {  // the same random layer on every rank
  torch::Tensor router;
  std::vector<MlpWeights> all;
};

Layer make_layer() {
  torch::manual_seed(11);
  Layer layer{torch::randn({experts, hidden}), {}};
  for (int e = 0; e < experts; ++e)
    layer.all.push_back({torch::randn({2 * inner, hidden}), torch::randn({hidden, inner})});
  return layer;
}

MoeWeights part(Layer const& layer, ExpertShare share, int member) {
  MoeWeights out{layer.router, share.first(member), {}};
  for (auto e = share.first(member); e < share.first(member + 1); ++e)
    out.experts.push_back(layer.all[static_cast<std::size_t>(e)]);
  return out;
}

// one token, one expert at a time
torch::Tensor naive(Layer const& layer, torch::Tensor const& x, RoutingDecision const& d) {
  auto out = torch::zeros_like(x);
  for (std::int64_t t = 0; t < x.size(0); ++t)
    for (std::int64_t j = 0; j < top_k; ++j) {
      auto const e = d.experts[t][j].item<std::int64_t>();
      out[t] += d.weights[t][j] * gated_mlp(x[t].unsqueeze(0), layer.all[static_cast<std::size_t>(e)])[0];
    }
  return out;
}

TEST(ExpertShare, BlocksCoverEveryExpertOnce) {
  for (std::int64_t n : {1, 5, 7, 64})
    for (int width = 1; width <= n && width <= 9; ++width) {
      ExpertShare const share{n, width};
      for (std::int64_t e = 0; e < n; ++e) {
        auto const owner = share.owner(e);
        EXPECT_LE(share.first(owner), e);
        EXPECT_LT(e, share.first(owner + 1));
      }
      EXPECT_EQ(share.first(width), n);
    }
}

TEST(Router, TiesGoToTheLowestIdsAndIdsAscend) {
  auto const x = torch::ones({2, 1});
  auto const weight = torch::tensor({0.5F, 1.0F, 1.0F, 0.5F, 1.0F}).unsqueeze(1);
  auto const d = route(x, weight, {5, 2, true});
  EXPECT_TRUE(torch::equal(d.experts, torch::tensor({{1, 2}, {1, 2}}, torch::kInt64)));
  EXPECT_TRUE(torch::allclose(d.weights, torch::full({2, 2}, 0.5F)));
  auto const all = route(x, weight, {5, 5, false});
  EXPECT_TRUE(torch::equal(all.experts[0], torch::arange(5)));
  EXPECT_NEAR(all.weights[0].sum().item<double>(), 1.0, 1e-6);
}

TEST(Exchange, GivesWhatOneRankWouldCompute) {
  auto const world = mpi::Comm::world();
  auto const layer = make_layer();
  ExpertShare const share{experts, world.size()};
  auto const exchange = make_dispatch_exchange(world, share);
  auto const own = part(layer, share, world.rank());
  torch::manual_seed(100 + static_cast<std::uint64_t>(world.rank()));
  for (std::int64_t tokens : {5L, 0L, 1L, 40L}) {
    auto const mine = world.rank() == 0 ? tokens : tokens / 2;  // ranks differ, some have none
    auto const x = torch::randn({mine, hidden});
    auto const decision = route(x, layer.router, {experts, top_k, false});
    auto const y = exchange->run(x, decision, own);
    EXPECT_TRUE(torch::allclose(y, naive(layer, x, decision), 1e-5, 1e-5));
    EXPECT_EQ(exchange->finish_batch(mpi::Status::ok), mpi::Status::ok);
  }
}

TEST(Exchange, IsDifferentiableOnOneRank) {
  auto const layer = make_layer();
  mpi::Comm const serial;
  auto const exchange = make_dispatch_exchange(serial, {experts, 1});
  auto own = part(layer, {experts, 1}, 0);
  own.experts[2].down.requires_grad_(true);
  auto const x = torch::randn({9, hidden}).requires_grad_(true);
  auto const decision = route(x, layer.router, {experts, top_k, true});
  exchange->run(x, decision, own).pow(2).sum().backward();
  EXPECT_TRUE(x.grad().defined());
  EXPECT_GT(own.experts[2].down.grad().abs().sum().item<double>(), 0);
}

TEST(Exchange, StatusTravelsWithTheCounts) {
  auto const world = mpi::Comm::world();
  auto const exchange = make_dispatch_exchange(world, {experts, world.size()});
  auto const mine = world.rank() == world.size() - 1 ? mpi::Status::stop : mpi::Status::ok;
  EXPECT_EQ(exchange->finish_batch(mine), mpi::Status::stop);
  EXPECT_EQ(exchange->finish_batch(mpi::Status::ok), mpi::Status::ok);
}

TEST(Exchange, AFailedRankReleasesItsPeersWhereverTheyAre) {
  auto const world = mpi::Comm::world();
  if (world.size() == 1) GTEST_SKIP() << "needs a peer";
  auto const layer = make_layer();
  ExpertShare const share{experts, world.size()};
  auto const exchange = make_dispatch_exchange(world, share);
  if (world.rank() == 0) {
    exchange->announce_failure();
    return;
  }
  auto const x = torch::randn({3, hidden});
  auto const decision = route(x, layer.router, {experts, top_k, false});
  EXPECT_THROW((void)exchange->run(x, decision, part(layer, share, world.rank())), mpi::PeerFailure);
}

TEST(Attention, SequencesDoNotSeeEachOther) {
  torch::manual_seed(3);
  AttentionSpec const spec{4, 2, 4, false, QkNorm::per_head, {}, 10000};
  AttentionWeights const w{
      torch::randn({32, hidden}), {}, torch::randn({hidden, 16}), {}, torch::rand({4}), torch::rand({4})};
  std::vector<std::uint32_t> const a{1, 2, 3, 4, 5}, b{6, 7};
  auto const both = PackedBatch::of({a, b}), alone = PackedBatch::of({b});
  auto const x = torch::randn({7, hidden});
  Rope const rope(both.positions, 4, 10000, torch::kFloat32),
      rope_alone(alone.positions, 4, 10000, torch::kFloat32);
  auto const y = attention(x, w, spec, 1e-6, both, rope);
  auto const z = attention(x.narrow(0, 5, 2), w, spec, 1e-6, alone, rope_alone);
  EXPECT_TRUE(torch::allclose(y.narrow(0, 5, 2), z, 1e-5, 1e-5));
  auto changed = x.clone();
  changed[4] += 1;  // the last token of the first sequence: nobody before or after may notice
  auto const y2 = attention(changed, w, spec, 1e-6, both, rope);
  EXPECT_TRUE(torch::allclose(y.narrow(0, 0, 4), y2.narrow(0, 0, 4), 1e-6, 1e-6));
  EXPECT_TRUE(torch::allclose(y.narrow(0, 5, 2), y2.narrow(0, 5, 2), 1e-6, 1e-6));
  EXPECT_FALSE(torch::allclose(y[4], y2[4]));
}

}  // namespace
}  // namespace moerae
