// The published config.json of the models of the papers, in both dialects: layer plan, router policy,
// parameters.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>

#include "moerae/model/plan.hpp"
#include "store/scratch.hpp"

namespace moerae {
namespace {

using Json = nlohmann::json;

Json published(std::string const& model) {
  std::ifstream file(std::filesystem::path(MOERAE_SOURCE_DIR) / "tests/model/configs" / (model + ".json"));
  return Json::parse(file);
}

ModelPlan plan_of(Json const& config) {
  test::Scratch const scratch;
  test::put(scratch / "config.json", config.dump());
  return read_plan(scratch.path());
}

// The same fields as transformers 5 writes them.
Json transformers_5(Json config) {
  auto rope = config.value("rope_scaling", Json());
  if (!rope.is_object()) rope = Json::object();
  if (!rope.contains("rope_type")) rope["rope_type"] = rope.value("type", "default");
  rope["rope_theta"] = config["rope_theta"];
  if (config.contains("partial_rotary_factor"))
    rope["partial_rotary_factor"] = config["partial_rotary_factor"];
  for (auto const* moved : {"rope_theta", "rope_scaling", "partial_rotary_factor"}) config.erase(moved);
  config["rope_parameters"] = rope;
  config["dtype"] = config["torch_dtype"];
  config.erase("torch_dtype");
  if (config["model_type"] == "qwen3_moe") {
    config["num_local_experts"] = config["num_experts"];
    config.erase("num_experts");
  }
  return config;
}

std::string rope_text(RopeSpec const& r) {
  static constexpr std::array names{"plain", "linear", "dynamic", "yarn", "longrope", "llama3"};
  return fmt::format("{} {} of {}{}", names[static_cast<std::size_t>(r.scaling)], r.theta, r.dim,
                     r.interleaved ? " interleaved" : "");
}

std::string attention_text(ModelPlan const& plan) {
  auto const& a = plan.layers[0].attention;
  auto text = fmt::format("{}/{} heads of {}/{}", a.heads, a.kv_heads, a.head_dim, a.value_dim);
  if (a.latent) text += fmt::format(" latent {}/{}", a.latent->q_rank, a.latent->kv_rank);
  if (a.bias) text += a.out_bias ? ", qkvo bias" : ", qkv bias";
  if (a.qk_norm != QkNorm::none) text += a.qk_norm == QkNorm::per_head ? ", head norm" : ", whole norm";
  if (a.sinks) text += ", sinks";
  auto const windows =
      std::ranges::count_if(plan.layers, [](LayerSpec const& l) { return l.attention.window.has_value(); });
  if (windows > 0) text += fmt::format(", {} windows of {}", windows, a.window.value_or(-1));
  return text + ", " + rope_text(a.rope);
}

std::string router_text(RouterSpec const& r) {
  static constexpr std::array scores{"softmax", "sigmoid", "logits"};
  static constexpr std::array weights{"", " softmax of chosen", " sparse mixer"};
  auto text =
      fmt::format("top {} of {} by {}{}", r.top_k, r.experts, scores[static_cast<std::size_t>(r.score)],
                  weights[static_cast<std::size_t>(r.weight)]);
  if (r.correction_bias) text += " + correction";
  if (r.bias) text += ", bias";
  if (r.groups > 1)
    text += fmt::format(", groups {}/{} by {}", r.top_groups, r.groups,
                        r.group_score == RouterSpec::GroupScore::best ? "best" : "two");
  if (r.renormalise) text += r.renormalise_eps > 0 ? ", renormalised + eps" : ", renormalised";
  if (r.scale != 1) text += fmt::format(", x {}", r.scale);
  return text + (r.float32_logits ? ", float32" : "");
}

std::string layers_text(ModelPlan const& plan) {
  auto const sparse = plan.moe_layers();
  auto const& moe = *plan.layers[static_cast<std::size_t>(sparse[0].value)].moe();
  auto text = fmt::format("{} layers, MoE from {}, experts of {}", plan.layers.size(), sparse[0].value,
                          moe.intermediate);
  if (std::ssize(plan.layers) - sparse[0].value != std::ssize(sparse)) text += " with gaps";
  if (moe.shared)
    text += fmt::format(", shared {}{}", moe.shared->intermediate, moe.shared->gated ? " gated" : "");
  if (moe.activation.clamped) text += ", clamped";
  return text;
}

struct Expected {
  char const *model, *layers, *attention, *router;
  std::int64_t total, embeddings, active;
  friend void PrintTo(Expected const& e, std::ostream* out) { *out << e.model; }
};

// Totals are what transformers 5.23 counts of the same config (tests/analysis/test_parameter_counts.py asks
// it again); the active ones are those of the model cards, to the last parameter.
constexpr Expected table[] = {
    {"Qwen3-30B-A3B", "48 layers, MoE from 0, experts of 768",
     "32/4 heads of 128/128, head norm, plain 1000000 of 128", "top 8 of 128 by softmax, renormalised",
     30'532'122'624, 622'329'856, 3'353'032'704},
    {"Qwen3-235B-A22B", "94 layers, MoE from 0, experts of 1536",
     "64/4 heads of 128/128, head norm, plain 1000000 of 128", "top 8 of 128 by softmax, renormalised",
     235'093'634'560, 1'244'659'712, 22'190'763'520},
    {"Qwen1.5-MoE-A2.7B", "24 layers, MoE from 0, experts of 1408, shared 5632 gated",
     "16/16 heads of 128/128, qkv bias, plain 1000000 of 128", "top 4 of 60 by softmax", 14'315'784'192,
     622'329'856, 2'689'173'504},
    {"Qwen2-57B-A14B", "28 layers, MoE from 0, experts of 2560, shared 20480 gated",
     "28/4 heads of 128/128, qkv bias, plain 1000000 of 128", "top 8 of 64 by softmax", 57'408'658'944,
     1'089'077'248, 14'249'270'784},
    {"OLMoE-1B-7B-0924", "16 layers, MoE from 0, experts of 1024",
     "16/16 heads of 128/128, whole norm, plain 10000 of 128", "top 8 of 64 by softmax", 6'919'161'856,
     206'045'184, 1'282'017'280},
    {"Mixtral-8x7B-v0.1", "32 layers, MoE from 0, experts of 14336",
     "32/8 heads of 128/128, plain 1000000 of 128", "top 2 of 8 by softmax, renormalised", 46'702'792'704,
     262'144'000, 12'879'925'248},
    {"Mixtral-8x22B-v0.1", "56 layers, MoE from 0, experts of 16384",
     "48/8 heads of 128/128, plain 1000000 of 128", "top 2 of 8 by softmax, renormalised", 140'620'634'112,
     393'216'000, 39'152'031'744},
    {"Phi-3.5-MoE-instruct", "32 layers, MoE from 0, experts of 6400",
     "32/8 heads of 128/128, qkvo bias, 32 windows of 131072, longrope 10000 of 128",
     "top 2 of 16 by softmax sparse mixer", 41'873'153'344, 262'700'352, 6'640'999'744},
    {"deepseek-moe-16b-base", "28 layers, MoE from 1, experts of 1408, shared 2816",
     "16/16 heads of 128/128, plain 10000 of 128", "top 6 of 64 by softmax", 16'375'728'128, 419'430'400,
     2'828'650'496},
    {"DeepSeek-V2-Lite", "27 layers, MoE from 1, experts of 1408, shared 2816",
     "16/16 heads of 192/128 latent 0/512, yarn 10000 of 64 interleaved", "top 6 of 64 by softmax, float32",
     15'706'484'224, 419'430'400, 2'661'150'208},
    {"DeepSeek-V2", "60 layers, MoE from 1, experts of 1536, shared 3072",
     "128/128 heads of 192/128 latent 1536/512, yarn 10000 of 64 interleaved",
     "top 6 of 160 by softmax, groups 3/8 by best, x 16, float32", 235'741'434'880, 1'048'576'000,
     21'375'800'320},
    {"DeepSeek-V3", "61 layers, MoE from 3, experts of 2048, shared 2048",
     "128/128 heads of 192/128 latent 1536/512, yarn 10000 of 64 interleaved",
     "top 8 of 256 by sigmoid + correction, groups 4/8 by two, renormalised + eps, x 2.5, float32",
     671'026'404'352, 1'853'358'080, 37'552'282'624},
    {"gpt-oss-20b", "24 layers, MoE from 0, experts of 2880, clamped",
     "64/8 heads of 64/64, qkvo bias, sinks, 12 windows of 128, yarn 150000 of 64",
     "top 4 of 32 by logits softmax of chosen, bias", 20'914'757'184, 1'158'266'880, 4'187'440'704},
    {"gpt-oss-120b", "36 layers, MoE from 0, experts of 2880, clamped",
     "64/8 heads of 64/64, qkvo bias, sinks, 18 windows of 128, yarn 150000 of 64",
     "top 4 of 128 by logits softmax of chosen, bias", 116'829'156'672, 1'158'266'880, 5'711'982'912},
    {"GLM-4.5-Air", "46 layers, MoE from 1, experts of 1408, shared 1408",
     "96/8 heads of 128/128, qkv bias, plain 1000000 of 64",
     "top 8 of 128 by sigmoid + correction, renormalised + eps, float32", 106'852'245'504, 1'241'513'984,
     13'424'123'904},
    {"dots.llm1.inst", "62 layers, MoE from 1, experts of 1408, shared 2816",
     "32/32 heads of 128/128, head norm, plain 10000000 of 128",
     "top 6 of 128 by sigmoid + correction, renormalised + eps, x 2.5, float32", 142'774'373'888,
     1'245'708'288, 14'016'581'120},
    {"GLM-4.7-Flash", "47 layers, MoE from 1, experts of 1536, shared 1536",
     "20/20 heads of 256/256 latent 768/512, plain 1000000 of 64 interleaved",
     "top 4 of 64 by sigmoid + correction, renormalised + eps, x 1.8, float32", 29'943'390'976, 634'388'480,
     3'896'763'136},
    {"MiniMax-M2", "62 layers, MoE from 0, experts of 1536",
     "48/8 heads of 128/128, whole norm, plain 5000000 of 64",
     "top 8 of 256 by sigmoid + correction, renormalised", 228'689'748'992, 1'229'193'216, 11'030'537'216},
    {"granite-3.0-1b-a400m-base", "24 layers, MoE from 0, experts of 512",
     "16/8 heads of 64/64, plain 10000 of 64", "top 8 of 32 by logits softmax of chosen", 1'334'628'352,
     50'334'720, 428'658'688},
};

class Published : public testing::TestWithParam<Expected> {};

TEST_P(Published, ParsesToItsPlan) {
  auto const plan = plan_of(published(GetParam().model));
  EXPECT_EQ(layers_text(plan), GetParam().layers);
  EXPECT_EQ(attention_text(plan), GetParam().attention);
  EXPECT_EQ(router_text(plan.router()), GetParam().router);
  EXPECT_EQ(plan.dtype, "bfloat16");
}

TEST_P(Published, BothDialectsAreOnePlan) {
  auto const config = published(GetParam().model);
  auto const modern = transformers_5(config);
  EXPECT_NE(config, modern);
  EXPECT_TRUE(plan_of(config) == plan_of(modern));
}

TEST_P(Published, CountsItsParameters) {
  auto const count = count_parameters(plan_of(published(GetParam().model)));
  EXPECT_EQ(count.total, GetParam().total);
  EXPECT_EQ(count.embeddings, GetParam().embeddings);
  EXPECT_EQ(count.active, GetParam().active);
}

INSTANTIATE_TEST_SUITE_P(Models, Published, testing::ValuesIn(table), [](auto const& of) {
  std::string name = of.param.model;
  std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
  return name;
});

// The number format of a file is part of its plan, and no other model.
TEST(PublishedStorage, DoesNotChangeTheCount) {
  for (auto const* model : {"gpt-oss-20b", "gpt-oss-120b", "DeepSeek-V3"}) {
    auto config = published(model);
    auto const packed = plan_of(config);
    EXPECT_TRUE(packed.quantisation.packing != Packing::plain || packed.names.experts == ExpertLayout::mxfp4)
        << model;
    config.erase("quantization_config");
    auto const plain = plan_of(config);
    EXPECT_FALSE(plain.quantisation.packing != Packing::plain || plain.names.experts == ExpertLayout::mxfp4)
        << model;
    EXPECT_EQ(count_parameters(plain).total, count_parameters(packed).total) << model;
  }
}

}  // namespace
}  // namespace moerae
