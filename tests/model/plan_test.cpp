#include "moerae/model/plan.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "model/crafted.hpp"
#include "moerae/base/check.hpp"
#include "moerae/model/tensor_specs.hpp"
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
  EXPECT_EQ(p.layers[0].attention.rope.theta, 1e6);
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
  EXPECT_EQ(p.layers[0].attention.rope.theta, 500);
  EXPECT_EQ(p.norm.eps, 1e-5);
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
              HasSubstr("sliding_window = (absent)"));
  EXPECT_THAT(fault(test::config_json("qwen3_moe", R"(, "mlp_only_layers": [0, 1, 2])")),
              HasSubstr("Mixture-of-Experts"));
  EXPECT_THAT(fault(test::config_json("qwen3_moe", R"(, "head_dim": 2e9)")), HasSubstr("head_dim"));
  EXPECT_THAT(fault(test::config_json("qwen3_moe", R"(, "vocab_size": 1)")), HasSubstr("occurs twice"));
  EXPECT_THAT(fault("{"), HasSubstr("not valid JSON"));
  EXPECT_THAT(fault("[]"), HasSubstr("object"));
  EXPECT_THAT(fault(R"({"a": )" + std::string(5000, '[') + std::string(5000, ']') + "}"),
              HasSubstr("deeper"));
}

// Every field that changes what is computed has known values only; a number format that the family does not
// know would otherwise be read as if it were plain.
TEST_F(PlanTest, UnknownPoliciesAreRefused) {
  struct Case {
    char const *family, *more, *field, *also;
  };
  std::string const mla = R"(, "num_key_value_heads": 2, "kv_lora_rank": 4, "qk_nope_head_dim": 4,
    "qk_rope_head_dim": 2, "v_head_dim": 4)";
  for (auto const& [family, more, field, also] : std::vector<Case>{
           {"deepseek_v2", R"(, "topk_method": "noaux_tc")", "topk_method", "greedy"},
           {"deepseek_v2", R"(, "scoring_func": "sigmoid")", "scoring_func", "softmax"},
           {"deepseek_v2", R"(, "moe_layer_freq": 2)", "moe_layer_freq", "1"},
           {"deepseek_v2", R"(, "topk_method": "group_limited_greedy", "n_group": 3, "topk_group": 1)",
            "n_group", "divisor of the 4 experts"},
           {"deepseek_v2", R"(, "topk_method": "group_limited_greedy", "n_group": 2, "topk_group": 3)",
            "topk_group", "at most n_group"},
           {"deepseek_v2", R"(, "topk_method": "group_limited_greedy", "n_group": 4, "topk_group": 1)",
            "num_experts_per_tok", "1 experts of 1 groups"},
           {"deepseek_v2", R"(, "partial_rotary_factor": 0.5)", "partial_rotary_factor", "whole heads"},
           {"deepseek_v3", R"(, "scoring_func": "softmax")", "scoring_func", "sigmoid"},
           {"deepseek_v3", R"(, "topk_method": "greedy")", "topk_method", "noaux_tc"},
           {"deepseek_v3", R"(, "n_group": 4, "topk_group": 2, "first_k_dense_replace": 0)", "n_group",
            "at least two"},
           {"deepseek_v3", R"(, "n_routed_experts": 5)", "n_routed_experts", "num_experts = 4"},
           {"deepseek", R"(, "scoring_func": "sigmoid")", "scoring_func", "softmax"},
           {"deepseek", R"(, "rope_scaling": {"type": "llama3", "factor": 8.0, "low_freq_factor": 1,
                "high_freq_factor": 4, "original_max_position_embeddings": 64})",
            "rope_scaling", "linear, dynamic"},
           {"phimoe", R"(, "rope_scaling": {"type": "linear", "factor": 2.0})", "rope_scaling", "longrope"},
           {"gpt_oss", R"(, "quantization_config": {"quant_method": "mxfp4"})", "intermediate_size",
            "multiples of 32"},
           {"gpt_oss", R"(, "layer_types": ["full_attention", "chunked_attention", "full_attention"])",
            "layer_types", "sliding_attention"},
           {"gpt_oss", R"(, "layer_types": ["full_attention"])", "layer_types", "each of 3 layers"},
           {"qwen2_moe", R"(, "shared_expert_intermediate_size": 4,
                "layer_types": ["full_attention", "sliding_attention", "full_attention"])",
            "layer_types", "use_sliding_window"},
           {"granitemoe", R"(, "logits_scaling": 0)", "logits_scaling", "other than 0"},
           {"olmoe", R"(, "head_dim": 6)", "head_dim", "hidden_size"},
           {"mixtral", R"(, "sliding_window": 0)", "sliding_window", "at least 1"}}) {
    auto text = test::config_json(family, more);
    if (std::string(family).starts_with("deepseek_v"))
      text.replace(text.find(R"(, "num_key_value_heads": 1)"), 26, mla);
    EXPECT_THAT(fault(text), AllOf(HasSubstr(field), HasSubstr(also))) << family << more;
  }
}

TEST_F(PlanTest, TheSparseMixerPicksTwo) {
  auto text = test::config_json("phimoe");
  text.replace(text.find("\"num_experts_per_tok\": 2"), 24, "\"num_experts_per_tok\": 1");
  EXPECT_THAT(fault(text), AllOf(HasSubstr("num_experts_per_tok = 1"), HasSubstr("sparse mixer")));
}

TEST_F(PlanTest, WindowsOfQwen2EndAtMaxWindowLayers) {
  auto const base = std::string(R"(, "shared_expert_intermediate_size": 4, "use_sliding_window": true,
    "sliding_window": 7)");
  auto const windows = [&](std::string const& more) {
    std::vector<std::int64_t> out;
    for (auto const& layer : plan(test::config_json("qwen2_moe", base + more)).layers)
      out.push_back(layer.attention.window.value_or(0));
    return out;
  };
  EXPECT_EQ(windows(""), (std::vector<std::int64_t>{7, 0, 7}));
  EXPECT_EQ(windows(R"(, "max_window_layers": 2)"), (std::vector<std::int64_t>{7, 0, 0}));
  EXPECT_EQ(windows(R"(, "max_window_layers": 1, "layer_types": ["full_attention", "full_attention",
    "sliding_attention"])"),
            (std::vector<std::int64_t>{0, 0, 7}));
}

TEST_F(PlanTest, KnownExtras) {
  auto text = test::config_json("granitemoe", R"(, "tie_word_embeddings": true)");
  EXPECT_THAT(plan(text).names.extras, testing::Contains("lm_head.weight"));
  EXPECT_THAT(plan(test::config_json("granitemoe")).names.extras,
              testing::Not(testing::Contains("lm_head.weight")));
  EXPECT_THAT(plan(test::config_json("glm4_moe")).names.extras, testing::Contains("model.layers.3.*"));
  EXPECT_THAT(plan(test::config_json("glm4_moe", R"(, "num_nextn_predict_layers": 0)")).names.extras,
              testing::Not(testing::Contains("model.layers.3.*")));
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
