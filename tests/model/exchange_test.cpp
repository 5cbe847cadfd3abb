// The parts that parity with transformers cannot tell apart: ties, ownership, empty batches, failure in a
// group.

#include "moerae/model/exchange.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <set>

#include "model/layers.hpp"
#include "model/schedule/routed.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/collective.hpp"

namespace moerae {
namespace {

constexpr std::int64_t experts = 7, hidden = 6, inner = 5, top_k = 3;

struct Layer {  // the same random layer on every rank
  LinearWeights router;
  std::vector<MlpWeights> all;
};

Layer make_layer() {
  torch::manual_seed(11);
  Layer layer{{torch::randn({experts, hidden}), {}, {}}, {}};
  for (int e = 0; e < experts; ++e)
    layer.all.push_back(
        {{torch::randn({2 * inner, hidden}), {}, {}}, {torch::randn({hidden, inner}), {}, {}}});
  return layer;
}

MoeWeights part(Layer const& layer, ExpertShare share, int member) {
  MoeWeights out;
  out.router = layer.router;
  out.first = share.first(member);
  for (auto e = share.first(member); e < share.first(member + 1); ++e)
    out.experts.push_back(layer.all[static_cast<std::size_t>(e)]);
  return out;
}

RouterSpec policy(bool renormalise) {
  RouterSpec spec;
  spec.experts = experts;
  spec.top_k = top_k;
  spec.renormalise = renormalise;
  return spec;
}

RoutingDecision route(torch::Tensor const& x, MoeWeights const& own, RouterSpec const& spec) {
  return decide(router_logits(x, own.router, spec), own.correction_bias, spec);
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
  MoeWeights own;
  own.router.weight = torch::tensor({0.5F, 1.0F, 1.0F, 0.5F, 1.0F}).unsqueeze(1);
  auto spec = policy(true);
  spec.experts = 5;
  spec.top_k = 2;
  auto const d = route(x, own, spec);
  EXPECT_TRUE(torch::equal(d.experts, torch::tensor({{1, 2}, {1, 2}}, torch::kInt64)));
  EXPECT_TRUE(torch::allclose(d.weights, torch::full({2, 2}, 0.5F)));
  spec.top_k = 5;
  spec.renormalise = false;
  auto const all = route(x, own, spec);
  EXPECT_TRUE(torch::equal(all.experts[0], torch::arange(5)));
  EXPECT_NEAR(all.weights[0].sum().item<double>(), 1.0, 1e-6);
}

TEST(Exchange, GivesWhatOneRankWouldCompute) {
  auto const world = mpi::Comm::world();
  auto const layer = make_layer();
  ExpertGroup group(world, experts);
  auto const own = part(layer, {experts, world.size()}, world.rank());
  torch::manual_seed(100 + static_cast<std::uint64_t>(world.rank()));
  for (std::int64_t tokens : {5L, 0L, 1L, 40L}) {
    auto const mine = world.rank() == 0 ? tokens : tokens / 2;  // ranks differ, some have none
    auto const x = torch::randn({mine, hidden});
    auto const decision = route(x, own, policy(false));
    auto const y = routed(group.exchange, x, decision, own).y;
    EXPECT_TRUE(torch::allclose(y, naive(layer, x, decision), 1e-5, 1e-5));
    torch::NoGradGuard const recording;  // takes another way through the sums
    EXPECT_TRUE(torch::allclose(routed(group.exchange, x, decision, own).y, y, 1e-5, 1e-5));
    EXPECT_EQ(group.status.finish_step(mpi::Status::busy), mpi::Status::busy);
  }
}

// Whole numbers, so that sums are exact in any order.
torch::Tensor whole_numbers(std::vector<std::int64_t> const& shape) {
  return torch::randint(-9, 10, shape, torch::kInt64).to(torch::kFloat32);
}

std::int64_t whole_dot(torch::Tensor const& a, torch::Tensor const& b) {
  return std::llround((a.to(torch::kFloat64) * b).sum().item<double>());
}

TEST(Routes, BackIsTheAdjointOfForth) {
  auto const world = mpi::Comm::world();
  ExpertGroup group(world, experts);
  torch::manual_seed(31 + static_cast<std::uint64_t>(world.rank()));
  for (std::int64_t tokens : {0L, 1L, 50L}) {
    auto const mine = world.rank() % 2 == 0 ? tokens : tokens / 3;
    auto const drawn = std::get<1>(torch::rand({mine, experts}).sort(-1)).narrow(-1, 0, top_k);
    auto const ids = std::get<0>(drawn.sort(-1));
    auto routes = group.exchange.open(ids);
    for (auto const& width : {std::vector<std::int64_t>{}, {4}, {2, 3}}) {
      auto shape = width;
      shape.insert(shape.begin(), mine);
      auto const x = whole_numbers(shape);
      auto const there = routes.forth(x);
      shape[0] = there.size(0);
      auto const y = whole_numbers(shape);
      EXPECT_EQ(mpi::sum(world, whole_dot(there, y)), mpi::sum(world, whole_dot(x, routes.back(y))));
    }
    routes.close();
  }
}

TEST(Routes, EveryTokenGoesOnceToEachOwnerOfItsExperts) {
  auto const world = mpi::Comm::world();
  ExpertGroup group(world, experts);
  ExpertShare const share{experts, world.size()};
  auto const ids = torch::tensor({0, 1, 6, 2, 3, 4}, torch::kInt64).reshape({2, 3});
  auto routes = group.exchange.open(ids);
  auto const owners = routes.back(torch::ones({routes.forth(ids).size(0)}));
  routes.close();
  for (std::int64_t t = 0; t < 2; ++t) {
    std::set<int> distinct;
    for (std::int64_t j = 0; j < 3; ++j) distinct.insert(share.owner(ids[t][j].item<std::int64_t>()));
    EXPECT_EQ(owners[t].item<float>(), static_cast<float>(distinct.size()));
  }
}

// On one rank too: what is trained through a whole graph there would not train on two.
TEST(Routes, CarryNoGraph) {
  auto const world = mpi::Comm::world();
  ExpertGroup group(world, experts);
  auto routes = group.exchange.open(torch::zeros({2, 1}, torch::kInt64));
  auto const there = routes.forth(torch::ones({2, 3}).requires_grad_(true));
  EXPECT_FALSE(there.requires_grad());
  EXPECT_FALSE(routes.back(torch::ones_like(there).requires_grad_(true)).requires_grad());
  routes.close();
}

TEST(Exchange, AFailedRankReleasesItsPeers) {
  auto const world = mpi::Comm::world();
  if (world.size() == 1) GTEST_SKIP() << "needs a peer";
  ExpertGroup group(world, experts);
  if (world.rank() == 0)
    EXPECT_TRUE(group.status.announce_failure());
  else
    EXPECT_THROW((void)group.exchange.open(torch::zeros({2, 1}, torch::kInt64)), mpi::PeerFailure);
}

TEST(Exchange, AFailureBetweenCountsAndRowsCanNotBeAnnounced) {
  auto const world = mpi::Comm::world();
  if (world.size() == 1) GTEST_SKIP() << "needs a peer";
  auto const layer = make_layer();
  ExpertGroup group(world, experts);
  auto own = part(layer, {experts, world.size()}, world.rank());
  for (auto& expert : own.experts)
    expert.down.weight = torch::zeros({hidden, inner + 1});  // on every rank: nobody waits
  torch::manual_seed(1);
  auto const x = torch::randn({60, hidden});  // some for every expert
  EXPECT_THROW((void)routed(group.exchange, x, route(x, own, policy(false)), own), c10::Error);
  EXPECT_FALSE(group.status.announce_failure());
}

}  // namespace
}  // namespace moerae
