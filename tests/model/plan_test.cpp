#include "moerae/model/plan.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "model/crafted.hpp"
#include "moerae/base/check.hpp"
#include "store/scratch.hpp"

namespace moerae {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class PlanTest : public testing::Test {
 protected:
  ModelPlan plan(std::string const& config) {
    test::put(scratch_ / "config.json", config);
    return read_plan(scratch_.path());
  }
  std::string fault(std::string const& config) {
    return test::message_of<DataError>([&] { (void)plan(config); });
  }
  test::Scratch scratch_;
};

TEST_F(PlanTest, Qwen3MixesDenseAndSparseLayers) {
  auto const p = plan(test::config_json(
      "qwen3_moe", R"(, "decoder_sparse_step": 1, "mlp_only_layers": [1], "norm_topk_prob": true,
    "head_dim": 6, "rope_theta": 1000000.0, "torch_dtype": "bfloat16")"));
  EXPECT_EQ(p.moe_layers(), (std::vector{LayerId(0), LayerId(2)}));
  EXPECT_TRUE(p.router().renormalise);
  EXPECT_EQ(p.layers[0].attention.head_dim, 6);
  EXPECT_EQ(p.layers[0].attention.rope_theta, 1e6);
  EXPECT_EQ(p.layers[0].attention.qk_norm, QkNorm::per_head);
  EXPECT_EQ(p.dtype, "bfloat16");
  EXPECT_EQ(std::get<DenseSpec>(p.layers[1].feed_forward).intermediate, 10);
}

TEST_F(PlanTest, SparseStepCountsFromOne) {
  auto const p = plan(test::config_json("qwen3_moe", R"(, "decoder_sparse_step": 2)"));
  EXPECT_EQ(p.moe_layers(), (std::vector{LayerId(1)}));
}

TEST_F(PlanTest, OlmoeNormsTheWholeProjectionAndClips) {
  auto const p = plan(test::config_json(
      "olmoe", R"(, "clip_qkv": 2.5, "rope_parameters": {"rope_type": "default", "rope_theta": 500.0})"));
  EXPECT_EQ(p.layers[0].attention.qk_norm, QkNorm::whole_projection);
  EXPECT_EQ(p.layers[0].attention.clip_qkv, 2.5);
  EXPECT_EQ(p.layers[0].attention.rope_theta, 500);
  EXPECT_EQ(p.norm_eps, 1e-5);
  EXPECT_EQ(p.layers[2].moe()->intermediate, 10);
}

TEST_F(PlanTest, TensorsFollowFromThePlan) {
  auto const p = plan(test::config_json("qwen3_moe", R"(, "mlp_only_layers": [1])"));
  auto const specs = tensor_specs(p);
  auto const find = [&](std::string const& name) {
    auto const at = std::ranges::find(specs, name, &TensorSpec::name);
    return at == specs.end() ? std::vector<std::int64_t>{} : at->shape;
  };
  EXPECT_EQ(find("model.layers.2.mlp.experts.3.down_proj.weight"), (std::vector<std::int64_t>{8, 6}));
  EXPECT_EQ(find("model.layers.1.mlp.up_proj.weight"), (std::vector<std::int64_t>{10, 8}));
  EXPECT_EQ(find("model.layers.0.self_attn.k_proj.weight"), (std::vector<std::int64_t>{4, 8}));
  EXPECT_TRUE(find("model.layers.1.mlp.gate.weight").empty());
  // embedding, head and final norm; attention and norms of three layers; one dense, two sparse of 4 experts
  // with router
  std::int64_t const attention = 8 * 8 + 2 * 4 * 8 + 8 * 8 + 2 * 4 + 2 * 8, expert = 3 * 6 * 8;
  EXPECT_EQ(count_parameters(p).total,
            2 * 20 * 8 + 8 + 3 * attention + 3 * 10 * 8 + 2 * (4 * expert + 4 * 8));
  EXPECT_EQ(count_parameters(p).total - count_parameters(p).active, 2 * 2 * expert);
}

TEST_F(PlanTest, FaultsNameFieldValueAndExpectation) {
  EXPECT_THAT(fault(test::config_json("bert")),
              AllOf(HasSubstr("model_type"), HasSubstr("bert"), HasSubstr("qwen3_moe"), HasSubstr("olmoe")));
  EXPECT_THAT(fault(R"({"model_type": "qwen3_moe", "vocab_size": 5})"), HasSubstr("hidden_size = (absent)"));
  EXPECT_THAT(fault(test::config_json("qwen3_moe", R"(, "head_dim": 3)")), HasSubstr("head_dim"));
  EXPECT_THAT(fault(test::config_json("qwen3_moe", R"(, "hidden_act": "gelu")")), HasSubstr("hidden_act"));
  EXPECT_THAT(fault(test::config_json("qwen3_moe", R"(, "use_sliding_window": true)")),
              HasSubstr("use_sliding_window"));
  EXPECT_THAT(
      fault(test::config_json("qwen3_moe", R"(, "rope_scaling": {"rope_type": "yarn", "factor": 4.0})")),
      HasSubstr("rope_scaling"));
  EXPECT_THAT(fault(test::config_json("qwen3_moe", R"(, "mlp_only_layers": [0, 1, 2])")),
              HasSubstr("Mixture-of-Experts"));
  EXPECT_THAT(fault(test::config_json("qwen3_moe", R"(, "head_dim": 2e9)")), HasSubstr("head_dim"));
  EXPECT_THAT(fault(test::config_json("qwen3_moe", R"(, "vocab_size": 1)")), HasSubstr("occurs twice"));
  EXPECT_THAT(fault("{"), HasSubstr("not valid JSON"));
  EXPECT_THAT(fault("[]"), HasSubstr("object"));
  EXPECT_THAT(fault(R"({"a": )" + std::string(5000, '[') + std::string(5000, ']') + "}"),
              HasSubstr("deeper"));
}

TEST_F(PlanTest, MoreChosenThanExpertsIsRefused) {
  auto text = test::config_json("olmoe");
  text.replace(text.find("\"num_experts_per_tok\": 2"), 24, "\"num_experts_per_tok\": 5");
  EXPECT_THAT(fault(text), AllOf(HasSubstr("num_experts_per_tok = 5"), HasSubstr("4 experts")));
}

TEST_F(PlanTest, AClaimOfEndlessLayersCostsNoMemory) {
  auto text = test::config_json("olmoe");
  text.replace(text.find("\"num_hidden_layers\": 3"), 22, "\"num_hidden_layers\": 2000000000");
  EXPECT_THAT(fault(text), HasSubstr("num_hidden_layers"));
}

}  // namespace
}  // namespace moerae
