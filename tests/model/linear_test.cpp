#include "moerae/model/linear.hpp"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

namespace moerae {
namespace {

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
  QuantisedWeight const weight{
      {"fp8", "", Packing::block_fp8, 0}, 130, 3, {values, torch::tensor({{2.0F}, {5.0F}})}};
  auto const out = weight.unpack(torch::kFloat32);
  EXPECT_EQ(out[127][2].item<float>(), 2);
  EXPECT_EQ(out[128][0].item<float>(), 5);
}

TEST(Packed, ChannelFp8ScalesRows) {
  auto const values = torch::tensor({{1.0F, -2.0F}, {0.5F, 448.0F}}).to(torch::kFloat8_e4m3fn);
  QuantisedWeight const weight{
      {"", "", Packing::channel_fp8, 0}, 2, 2, {values, torch::tensor({{3.0F}, {0.25F}})}};
  EXPECT_TRUE(torch::equal(weight.unpack(torch::kFloat32), torch::tensor({{3.0F, -6.0F}, {0.125F, 112.0F}})));
}

torch::Tensor word(std::int64_t bits) {
  return torch::tensor(bits).to(torch::kInt32);
}

// Eight inputs, eight outputs; every number once, in the order of the file.
TEST(Packed, GptqHoldsEightInputsInAWord) {
  auto const q = torch::zeros({1, 8}, torch::kInt32), z = word(0x76543210).reshape({1, 1}).repeat({2, 1});
  q[0][0] = word(0xfedcba98);
  q[0][3] = word(0x0000000f);
  auto const scales = torch::tensor({{1.0F}, {10.0F}}).repeat({1, 8});
  auto const group = torch::tensor({0, 1, 0, 0, 0, 0, 0, 1}, torch::kInt32);
  QuantisedWeight weight{{"", "", Packing::gptq_v2, 4}, 8, 8, {q, z, scales, group}};
  auto out = weight.unpack(torch::kFloat32);
  EXPECT_TRUE(torch::equal(out[0], torch::tensor({8.0F, 90.0F, 10.0F, 11.0F, 12.0F, 13.0F, 14.0F, 150.0F})));
  EXPECT_TRUE(
      torch::equal(out[3], torch::tensor({12.0F, -30.0F, -3.0F, -3.0F, -3.0F, -3.0F, -3.0F, -30.0F})));
  weight.how.packing = Packing::gptq;  // zeros are stored less one
  out = weight.unpack(torch::kFloat32);
  EXPECT_EQ(out[0][0].item<float>(), 7);
  EXPECT_EQ(out[3][1].item<float>(), -40);
  weight.parts[1] = word(0xffffffff).reshape({1, 1}).repeat({2, 1});  // 15 + 1 is 0 in four bits
  EXPECT_EQ(weight.unpack(torch::kFloat32)[0][0].item<float>(), 8);
}

TEST(Packed, AwqHoldsEightOutputsInAWord) {
  auto const q = torch::zeros({2, 1}, torch::kInt32), z = torch::zeros({2, 1}, torch::kInt32);
  q[0][0] = word(0x76543210);  // outputs 0 2 4 6 1 3 5 7
  z[1][0] = word(0x00000021);  // output 0: 1, output 2: 2
  auto const scales = torch::tensor({{1.0F}, {3.0F}}).repeat({1, 8});
  QuantisedWeight const weight{{"", "", Packing::awq, 1}, 8, 2, {q, z, scales}};
  auto const out = weight.unpack(torch::kFloat32).t();
  EXPECT_TRUE(torch::equal(out[0], torch::tensor({0.0F, 4.0F, 1.0F, 5.0F, 2.0F, 6.0F, 3.0F, 7.0F})));
  EXPECT_TRUE(torch::equal(out[1], torch::tensor({-3.0F, 0.0F, -6.0F, 0.0F, 0.0F, 0.0F, 0.0F, 0.0F})));
}

TEST(Packed, Int4HoldsEightInputsInAWordFromMinusEightOn) {
  auto const q = word(0xfedcba98).reshape({1, 1}).repeat({1, 2});
  auto const scales = torch::tensor({{1.0F, 2.0F, 4.0F}});
  QuantisedWeight const weight{{"", "", Packing::int4, 4}, 1, 12, {q, scales, torch::tensor({1, 12})}};
  EXPECT_TRUE(torch::equal(
      weight.unpack(torch::kFloat32)[0],
      torch::tensor({0.0F, 1.0F, 2.0F, 3.0F, 8.0F, 10.0F, 12.0F, 14.0F, 0.0F, 4.0F, 8.0F, 12.0F})));
}

// A map that stays packed gives what its unpacked weight gives, rows of several weights one after another.
TEST(Packed, RowsOfSeveralWeightsFollowOneAnother) {
  LinearWeights map;
  for (auto const scale : {1.0F, 2.0F})
    map.quantised.push_back({{"", "", Packing::channel_fp8, 0},
                             2,
                             3,
                             {torch::ones({2, 3}).to(torch::kFloat8_e4m3fn), torch::full({2, 1}, scale)}});
  auto const y = linear(torch::ones({1, 3}), map);
  EXPECT_TRUE(torch::equal(y, torch::tensor({{3.0F, 3.0F, 6.0F, 6.0F}})));
  map.set_dense(torch::zeros({4, 3}));
  EXPECT_TRUE(map.quantised.empty());
  EXPECT_EQ(linear(torch::ones({1, 3}), map).abs().max().item<float>(), 0);
}

Mxfp4Weight made_packed(std::int64_t out, std::int64_t in) {
  return {torch::randint(256, {out, in / 32, 16}, torch::kInt64).to(torch::kUInt8),
          torch::randint(120, 130, {out, in / 32}, torch::kInt64).to(torch::kUInt8)};
}

LowRank made_adapter(std::int64_t out, std::int64_t in) {
  auto const options = torch::TensorOptions().dtype(torch::kFloat64);
  return {torch::randn({3, in}, options), torch::randn({out, 3}, options), 0.7};
}

// Weights [10, 64] with an adapter, dense or packed.
struct Adapted : testing::TestWithParam<bool> {
  Adapted() {
    torch::manual_seed(5);
    x = torch::randn({7, 64}, torch::kFloat64);
    auto const stored = made_packed(10, 64);
    dense = stored.unpack(torch::kFloat64);
    weights.bias = torch::randn({10}, torch::kFloat64);
    weights.adapter = made_adapter(10, 64);
    if (GetParam())
      weights.packed = stored;
    else
      weights.weight = dense;
  }
  torch::Tensor x, dense;
  LinearWeights weights;
};

TEST_P(Adapted, EqualsTheMergedWeight) {
  auto const& [a, b, scale] = *weights.adapter;
  auto const merged = linear(x, {dense + scale * b.mm(a), weights.bias, {}});
  EXPECT_TRUE(torch::allclose(linear(x, weights), merged, 1e-10, 1e-10));
  weights.adapter.reset();
  EXPECT_FALSE(torch::allclose(linear(x, weights), merged, 1e-2, 1e-2)) << "the adapter must matter";
}

TEST_P(Adapted, GradientsAreThoseOfFiniteDifferences) {
  auto& [a, b, scale] = *weights.adapter;
  auto const direction = torch::randn({7, 10}, torch::kFloat64);
  auto const value = [&] { return (linear(x, weights) * direction).sin().sum(); };
  std::vector<torch::Tensor> const leaves{a.requires_grad_(), b.requires_grad_(), x.requires_grad_()};
  auto const gradients = torch::autograd::grad({value()}, leaves);
  torch::NoGradGuard const plain;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    auto const flat = leaves[i].view(-1);
    for (std::int64_t j = 0; j < flat.numel(); j += 7) {
      auto const here = flat[j].item<double>(), step = 1e-5;
      auto const at = [&](double moved) {
        flat[j] = moved;
        return value().item<double>();
      };
      auto const slope = (at(here + step) - at(here - step)) / (2 * step);
      flat[j] = here;
      EXPECT_NEAR(gradients[i].view(-1)[j].item<double>(), slope, 1e-4 * std::max(1.0, std::abs(slope)))
          << i << " " << j;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Weights, Adapted, testing::Bool(),
                         [](auto const& packed) { return packed.param ? "Packed" : "Dense"; });

}  // namespace
}  // namespace moerae
