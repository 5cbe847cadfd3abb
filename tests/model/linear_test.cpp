#include "moerae/model/linear.hpp"

#include <gtest/gtest.h>
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

}  // namespace
}  // namespace moerae
