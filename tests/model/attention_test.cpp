// Attention of packed sequences: who sees whom, and the two ways of computing it.

#include "model/attention.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <optional>

#include "model/made_model.hpp"

namespace moerae {
namespace {

constexpr std::int64_t hidden = 6;

class Attention : public testing::TestWithParam<std::optional<std::int64_t>> {};

TEST_P(Attention, SequencesDoNotSeeEachOther) {
  torch::manual_seed(3);
  auto spec = test::made_attention(4, 2, 4, 0.5);
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
  auto spec = test::made_attention(6, 3, 8, 0.3);
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

}  // namespace
}  // namespace moerae
