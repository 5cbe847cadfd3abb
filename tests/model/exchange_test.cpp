// The parts that parity with transformers cannot tell apart: ties, ownership, empty batches, failure in a
// group.

#include "moerae/model/exchange.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <optional>

#include "model/attention.hpp"
#include "model/experts.hpp"
#include "model/layers.hpp"
#include "moerae/mpi/agree.hpp"

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
  ExpertShare const share{experts, world.size()};
  auto const exchange = make_dispatch_exchange(world, share);
  auto const own = part(layer, share, world.rank());
  torch::manual_seed(100 + static_cast<std::uint64_t>(world.rank()));
  for (std::int64_t tokens : {5L, 0L, 1L, 40L}) {
    auto const mine = world.rank() == 0 ? tokens : tokens / 2;  // ranks differ, some have none
    auto const x = torch::randn({mine, hidden});
    auto const decision = route(x, own, policy(false));
    auto const y = exchange->run(x, decision, own);
    EXPECT_TRUE(torch::allclose(y, naive(layer, x, decision), 1e-5, 1e-5));
    torch::NoGradGuard const recording;  // takes another way through the sums
    EXPECT_TRUE(torch::allclose(exchange->run(x, decision, own), y, 1e-5, 1e-5));
    EXPECT_EQ(exchange->finish_batch(mpi::Status::ok), mpi::Status::ok);
  }
}

TEST(Exchange, IsDifferentiableOnOneRank) {
  auto const layer = make_layer();
  mpi::Comm const serial;
  auto const exchange = make_dispatch_exchange(serial, {experts, 1});
  auto own = part(layer, {experts, 1}, 0);
  own.experts[2].down.weight.requires_grad_(true);
  auto const x = torch::randn({9, hidden}).requires_grad_(true);
  auto const decision = route(x, own, policy(true));
  exchange->run(x, decision, own).pow(2).sum().backward();
  EXPECT_TRUE(x.grad().defined());
  EXPECT_GT(own.experts[2].down.weight.grad().abs().sum().item<double>(), 0);
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
    EXPECT_TRUE(exchange->announce_failure());
    return;
  }
  auto const x = torch::randn({3, hidden});
  auto const own = part(layer, share, world.rank());
  auto const decision = route(x, own, policy(false));
  EXPECT_THROW((void)exchange->run(x, decision, own), mpi::PeerFailure);
}

TEST(Exchange, AFailureBetweenCountsAndRowsCanNotBeAnnounced) {
  auto const world = mpi::Comm::world();
  if (world.size() == 1) GTEST_SKIP() << "needs a peer";
  auto const layer = make_layer();
  ExpertShare const share{experts, world.size()};
  auto const exchange = make_dispatch_exchange(world, share);
  auto own = part(layer, share, world.rank());
  for (auto& expert : own.experts)
    expert.down.weight = torch::zeros({hidden, inner + 1});  // on every rank: nobody waits
  torch::manual_seed(1);
  auto const x = torch::randn({60, hidden});  // some for every expert
  EXPECT_THROW((void)exchange->run(x, route(x, own, policy(false)), own), c10::Error);
  EXPECT_FALSE(exchange->announce_failure());
}

class Attention : public testing::TestWithParam<std::optional<std::int64_t>> {};

TEST_P(Attention, SequencesDoNotSeeEachOther) {
  torch::manual_seed(3);
  AttentionSpec spec;
  spec.heads = 4;
  spec.kv_heads = 2;
  spec.head_dim = spec.value_dim = spec.rope.dim = 4;
  spec.scale = 0.5;
  spec.qk_norm = QkNorm::per_head;
  spec.window = GetParam();
  AttentionWeights w;
  w.qkv.weight = torch::randn({32, hidden});
  w.out.weight = torch::randn({hidden, 16});
  w.q_norm = torch::rand({4});
  w.k_norm = torch::rand({4});
  std::vector<std::uint32_t> const a{1, 2, 3, 4, 5}, b{6, 7};
  auto const both = Rows::of({{a}, {b}}), alone = Rows::of({{b}});
  auto const x = torch::randn({7, hidden});
  Rope const rope(spec.rope, both, torch::kFloat32), rope_alone(spec.rope, alone, torch::kFloat32);
  auto const y = attention(x, w, spec, 1e-6, both, rope);
  auto const z = attention(x.narrow(0, 5, 2), w, spec, 1e-6, alone, rope_alone);
  EXPECT_TRUE(torch::allclose(y.narrow(0, 5, 2), z, 1e-5, 1e-5));
  auto changed = x.clone();
  changed[4] += 1;  // the last token of the first sequence: nobody before or after may notice
  auto const y2 = attention(changed, w, spec, 1e-6, both, rope);
  EXPECT_TRUE(torch::allclose(y.narrow(0, 0, 4), y2.narrow(0, 0, 4), 1e-6, 1e-6));
  EXPECT_TRUE(torch::allclose(y.narrow(0, 5, 2), y2.narrow(0, 5, 2), 1e-6, 1e-6));
  EXPECT_FALSE(torch::allclose(y[4], y2[4]));
  changed = x.clone();
  changed[0] += 1;  // the first token: seen by those that follow it inside the window
  auto const y3 = attention(changed, w, spec, 1e-6, both, rope);
  auto const reach = spec.window.value_or(5);
  for (std::int64_t t = 0; t < 5; ++t) EXPECT_EQ(torch::allclose(y[t], y3[t], 1e-6, 1e-6), t >= reach) << t;
}

INSTANTIATE_TEST_SUITE_P(Windows, Attention, testing::Values(std::nullopt, 3, 1, 100));

// The window that sees everything takes the fused path, one that sees all but nothing less the blockwise one.
TEST(Blockwise, AgreesWithTheFusedPath) {
  torch::manual_seed(5);
  AttentionSpec spec;
  spec.heads = 6;
  spec.kv_heads = 3;
  spec.head_dim = spec.value_dim = spec.rope.dim = 8;
  spec.scale = 0.3;
  AttentionWeights w;
  w.qkv.weight = torch::randn({12 * 8, hidden});
  w.out.weight = torch::randn({hidden, 48});
  std::vector<std::uint32_t> const tokens(600, 1);
  auto const batch = Rows::of({{tokens}});
  auto const x = torch::randn({600, hidden});
  Rope const rope(spec.rope, batch, torch::kFloat32);
  auto const fused = attention(x, w, spec, 1e-6, batch, rope);
  spec.sinks = true;
  w.sinks = torch::full({6}, -1e30F);  // a sink that takes nothing
  EXPECT_TRUE(torch::allclose(fused, attention(x, w, spec, 1e-6, batch, rope), 1e-4, 1e-4));
  w.sinks = torch::full({6}, 1e30F);  // one that takes all
  EXPECT_LT(attention(x, w, spec, 1e-6, batch, rope).abs().max().item<double>(), 1e-6);
}

TEST(Packed, Mxfp4UnpacksNibblesAndScales) {
  Mxfp4Weight packed{torch::zeros({1, 1, 16}, torch::kUInt8), torch::full({1, 1}, 128, torch::kUInt8)};
  packed.blocks[0][0][0] = 0x2 | (0xd << 4);   // 1, -3
  packed.blocks[0][0][15] = 0x7 | (0x9 << 4);  // 6, -0.5
  auto const out = packed.unpack(torch::kFloat32);
  ASSERT_EQ(out.sizes(), (std::vector<std::int64_t>{1, 32}));
  EXPECT_EQ(out[0][0].item<float>(), 2);
  EXPECT_EQ(out[0][1].item<float>(), -6);
  EXPECT_EQ(out[0][30].item<float>(), 12);
  EXPECT_EQ(out[0][31].item<float>(), -1);
}

TEST(Packed, BlockFp8ScalesRaggedBlocks) {
  auto const values = torch::ones({130, 3}).to(torch::kFloat8_e4m3fn);
  auto const out = unpack_block_fp8(values, torch::tensor({{2.0F}, {5.0F}}), torch::kFloat32);
  EXPECT_EQ(out[127][2].item<float>(), 2);
  EXPECT_EQ(out[128][0].item<float>(), 5);
}

}  // namespace
}  // namespace moerae
