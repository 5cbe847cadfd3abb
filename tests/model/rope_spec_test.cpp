// Rotary scalings of both dialects. Expected factors are those of transformers 5.23's ROPE_INIT_FUNCTIONS for
// the same config.

#include <gmock/gmock.h>

#include "model/crafted.hpp"
#include "moerae/base/check.hpp"
#include "moerae/model/plan.hpp"
#include "store/scratch.hpp"

namespace moerae {
namespace {

using Scaling = RopeSpec::Scaling;
using testing::AllOf;
using testing::HasSubstr;

class RopeSpecTest : public testing::Test {
 protected:
  ModelPlan plan(std::string const& family, std::string const& more) {
    test::put(scratch_ / "config.json", test::config_json(family, more));
    return read_plan(scratch_.path());
  }
  // head_dim 8, so that four pairs are rotated
  RopeSpec rope(std::string const& more) {
    return plan("qwen3_moe", ", \"head_dim\": 8" + more).layers[0].attention.rope;
  }
  std::string fault(std::string const& more) {
    return test::message_of<DataError>([&] { (void)rope(more); });
  }
  test::Scratch scratch_;
};

TEST_F(RopeSpecTest, ThetaOfTheRopeObjectGoesFirst) {
  EXPECT_EQ(rope("").theta, 10000);
  EXPECT_EQ(rope(R"(, "rope_theta": 77)").theta, 77);
  EXPECT_EQ(rope(R"(, "rope_theta": 77, "rope_scaling": {"type": "linear", "factor": 3})").theta, 77);
  EXPECT_EQ(
      rope(R"(, "rope_theta": 77, "rope_scaling": {"type": "linear", "factor": 3, "rope_theta": 5})").theta,
      5);
  // where a file has both objects the published one counts
  EXPECT_EQ(rope(R"(, "rope_scaling": {"type": "linear", "factor": 3}, "rope_parameters": {"rope_theta": 9})")
                .theta,
            10000);
  EXPECT_EQ(rope(R"(, "rope_scaling": {}, "rope_parameters": {"rope_theta": 9})").theta, 9);
}

TEST_F(RopeSpecTest, DefaultThetaIsOfTheFamily) {
  auto const theta = [&](char const* family) { return plan(family, "").layers[0].attention.rope.theta; };
  EXPECT_EQ(theta("mixtral"), 1e6);
  EXPECT_EQ(theta("phimoe"), 1e6);
  EXPECT_EQ(theta("gpt_oss"), 150000);
  EXPECT_EQ(theta("granitemoe"), 10000);
}

TEST_F(RopeSpecTest, LinearAndDynamic) {
  auto const linear = rope(R"(, "rope_parameters": {"rope_type": "linear", "factor": 3.0})");
  EXPECT_EQ(linear.scaling, Scaling::linear);
  EXPECT_EQ(linear.factor, 3);
  auto const dynamic =
      rope(R"(, "max_position_embeddings": 40, "rope_scaling": {"type": "dynamic", "factor": 2.0})");
  EXPECT_EQ(dynamic.scaling, Scaling::dynamic);
  EXPECT_EQ(dynamic.original_positions, 40);
  EXPECT_EQ(dynamic.attention_factor, 1);
}

TEST_F(RopeSpecTest, YarnAttentionFactor) {
  auto const yarn = [&](std::string const& own, std::string const& top = "") {
    return rope(R"(, "max_position_embeddings": 512, "rope_scaling": {"type": "yarn")" + own + "}" + top);
  };
  std::string const original = R"(, "original_max_position_embeddings": 64)";
  auto const plain = yarn(R"(, "factor": 32.0)" + original);
  EXPECT_DOUBLE_EQ(plain.attention_factor, 1.3465735902799727);
  EXPECT_EQ(plain.original_positions, 64);
  EXPECT_EQ(plain.beta_fast, 32);
  EXPECT_EQ(plain.beta_slow, 1);
  EXPECT_TRUE(plain.truncate);
  auto const ratio = yarn(R"(, "factor": null)" + original);  // 512 / 64
  EXPECT_EQ(ratio.factor, 8);
  EXPECT_DOUBLE_EQ(ratio.attention_factor, 1.2079441541679836);
  EXPECT_DOUBLE_EQ(
      yarn(R"(, "factor": 4, "mscale": 0.707, "mscale_all_dim": 1.0)" + original).attention_factor,
      0.964326914892074);
  EXPECT_DOUBLE_EQ(yarn(R"(, "factor": 4, "mscale": 0.707)" + original).attention_factor, 1.138629436111989);
  EXPECT_EQ(yarn(R"(, "factor": 4, "attention_factor": 1.5)" + original).attention_factor, 1.5);
  auto const odd = yarn(R"(, "factor": 4, "beta_fast": 0, "beta_slow": 2, "truncate": false)" + original);
  EXPECT_EQ(odd.beta_fast, 32);
  EXPECT_EQ(odd.beta_slow, 2);
  EXPECT_FALSE(odd.truncate);
  EXPECT_EQ(
      yarn(R"(, "factor": 4)" + original, R"(, "original_max_position_embeddings": 32)").original_positions,
      32);
  EXPECT_EQ(yarn(R"(, "factor": 4)").original_positions, 512);
}

TEST_F(RopeSpecTest, LongropeAttentionFactor) {
  auto const longrope = [&](std::string const& own) {
    return rope(R"(, "max_position_embeddings": 512, "rope_scaling": {"type": "longrope",
      "short_factor": [1, 1, 1, 2], "long_factor": [2, 2, 2, 3], "original_max_position_embeddings": 64)" +
                own + "}");
  };
  auto const ratio = longrope("");
  EXPECT_DOUBLE_EQ(ratio.attention_factor, 1.224744871391589);
  EXPECT_DOUBLE_EQ(ratio.long_attention_factor, 1.224744871391589);
  EXPECT_EQ(ratio.short_factors, (std::vector<double>{1, 1, 1, 2}));
  EXPECT_EQ(ratio.long_factors, (std::vector<double>{2, 2, 2, 3}));
  EXPECT_EQ(ratio.original_positions, 64);
  EXPECT_DOUBLE_EQ(longrope(R"(, "factor": 3.0)").attention_factor, 1.1243488857053487);
  EXPECT_EQ(longrope(R"(, "attention_factor": 1.25)").long_attention_factor, 1.25);
  EXPECT_EQ(longrope(R"(, "factor": 0.5)").attention_factor, 1);
}

TEST_F(RopeSpecTest, PhimoeTakesItsScalesAndTheShortTable) {
  auto const r = plan("phimoe", R"(, "max_position_embeddings": 512, "original_max_position_embeddings": 32,
      "rope_scaling": {"type": "longrope", "short_factor": [1, 2], "long_factor": [2, 3],
      "original_max_position_embeddings": 64, "short_mscale": 1.25, "long_mscale": 1.5})")
                     .layers[0]
                     .attention.rope;
  EXPECT_EQ(r.attention_factor, 1.25);
  EXPECT_EQ(r.long_attention_factor, 1.5);
  EXPECT_EQ(r.long_factors, r.short_factors);
  EXPECT_EQ(r.original_positions, 32);
}

TEST_F(RopeSpecTest, Llama3) {
  auto const r = rope(R"(, "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
      "high_freq_factor": 4.0, "original_max_position_embeddings": 16})");
  EXPECT_EQ(r.scaling, Scaling::llama3);
  EXPECT_EQ(r.factor, 8);
  EXPECT_EQ(r.low_frequency, 1);
  EXPECT_EQ(r.high_frequency, 4);
  EXPECT_EQ(r.original_positions, 16);
}

// int(head_dim * share), from either place; an odd number rotates one dimension more, as in the reference.
TEST_F(RopeSpecTest, PartialRotationOfGlm) {
  auto const dims = [&](std::string const& more) {
    auto const r = plan("glm4_moe", more).layers[0].attention.rope;
    return std::pair(r.dim, r.rotated());
  };
  EXPECT_EQ(dims(R"(, "head_dim": 8)"), std::pair(4L, 4L));
  EXPECT_EQ(dims(R"(, "head_dim": 8, "partial_rotary_factor": 0.25)"), std::pair(2L, 2L));
  EXPECT_EQ(dims(R"(, "head_dim": 8, "rope_parameters": {"partial_rotary_factor": 1.0})"), std::pair(8L, 8L));
  EXPECT_EQ(dims(R"(, "head_dim": 10)"), std::pair(5L, 6L));
}

TEST_F(RopeSpecTest, GptOssHasADefaultScaling) {
  auto const r = plan("gpt_oss", "").layers[0].attention.rope;
  EXPECT_EQ(r.scaling, Scaling::yarn);
  EXPECT_DOUBLE_EQ(r.attention_factor, 1.3465735902799727);
  EXPECT_EQ(r.original_positions, 4096);
  EXPECT_FALSE(r.truncate);
  EXPECT_EQ(plan("gpt_oss", R"(, "rope_parameters": {"rope_theta": 9})").layers[0].attention.rope.scaling,
            Scaling::none);
}

// yarn_apply_mscale: DeepSeek-V2-Lite's heads at its factor.
TEST_F(RopeSpecTest, YarnMagnitudeInTheScaleOfLatentAttention) {
  auto const scale = [&](std::string const& rope) {
    auto text = test::config_json("deepseek_v2", R"(, "kv_lora_rank": 4, "qk_nope_head_dim": 128,
      "qk_rope_head_dim": 64, "v_head_dim": 4)" + rope);
    text.replace(text.find("\"num_key_value_heads\": 1"), 24, "\"num_key_value_heads\": 2");
    test::put(scratch_ / "config.json", text);
    return read_plan(scratch_.path()).layers[0].attention.scale;
  };
  EXPECT_DOUBLE_EQ(scale(""), 0.07216878364870322);
  EXPECT_DOUBLE_EQ(
      scale(R"(, "rope_scaling": {"type": "yarn", "factor": 40, "mscale": 0.707, "mscale_all_dim": 0.707,
    "original_max_position_embeddings": 4096})"),
      0.1147213867929261);
}

TEST_F(RopeSpecTest, FaultsNameTheField) {
  EXPECT_THAT(fault(R"(, "rope_scaling": {"type": "mrope"})"),
              AllOf(HasSubstr("rope_scaling"), HasSubstr("mrope"), HasSubstr("llama3")));
  EXPECT_THAT(fault(R"(, "rope_parameters": {"full_attention": {"rope_type": "default"}})"),
              HasSubstr("full_attention"));
  EXPECT_THAT(fault(R"(, "rope_scaling": {"type": "linear"})"), HasSubstr("factor = (absent)"));
  EXPECT_THAT(fault(R"(, "rope_scaling": {"type": "linear", "factor": -1})"), HasSubstr("positive"));
  EXPECT_THAT(fault(R"(, "rope_scaling": "linear")"), HasSubstr("an object"));
  EXPECT_THAT(fault(R"(, "rope_theta": 1)"), HasSubstr("above 1"));
  EXPECT_THAT(fault(R"(, "partial_rotary_factor": 0.5)"), HasSubstr("whole heads"));
  EXPECT_THAT(
      fault(
          R"(, "max_position_embeddings": 99, "rope_scaling": {"type": "longrope", "short_factor": [1, 1, 1],
    "long_factor": [1, 1, 1, 1]})"),
      AllOf(HasSubstr("short_factor"), HasSubstr("4 numbers")));
  EXPECT_THAT(
      fault(R"(, "rope_scaling": {"type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4,
    "original_max_position_embeddings": 16})"),
      HasSubstr("high_freq_factor"));
  EXPECT_THAT(fault(R"(, "rope_scaling": {"type": "yarn", "factor": 2})"),
              HasSubstr("max_position_embeddings"));
}

}  // namespace
}  // namespace moerae
