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
  auto const out = unpack_block_fp8(values, torch::tensor({{2.0F}, {5.0F}}), torch::kFloat32);
  EXPECT_EQ(out[127][2].item<float>(), 2);
  EXPECT_EQ(out[128][0].item<float>(), 5);
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
