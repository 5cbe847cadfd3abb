// Tensors that do not follow from config.json.

#include "model/crafted_case.hpp"

namespace moerae::test {
namespace {

json const packed = {{"model_type", "gpt_oss"},  {"vocab_size", 20},
                     {"hidden_size", 32},        {"num_hidden_layers", 1},
                     {"num_attention_heads", 2}, {"num_key_value_heads", 1},
                     {"num_local_experts", 4},   {"num_experts_per_tok", 2},
                     {"intermediate_size", 64},  {"quantization_config", {{"quant_method", "mxfp4"}}}};
json const latent = {{"model_type", "deepseek_v3"},
                     {"vocab_size", 20},
                     {"hidden_size", 8},
                     {"num_hidden_layers", 1},
                     {"first_k_dense_replace", 0},
                     {"num_attention_heads", 2},
                     {"num_key_value_heads", 2},
                     {"q_lora_rank", 4},
                     {"kv_lora_rank", 4},
                     {"qk_rope_head_dim", 2},
                     {"qk_nope_head_dim", 4},
                     {"v_head_dim", 4},
                     {"n_routed_experts", 4},
                     {"n_group", 1},
                     {"topk_group", 1},
                     {"num_experts_per_tok", 2},
                     {"moe_intermediate_size", 6},
                     {"intermediate_size", 10},
                     {"n_shared_experts", 1},
                     {"quantization_config", {{"quant_method", "fp8"}, {"weight_block_size", {128, 128}}}}};

constexpr char const* gate = "model.layers.1.mlp.experts.3.gate_proj.weight";

Case tensors(char const* name, std::function<void(MadeTensors&)> const& change,
             std::vector<std::string> const& words) {
  return {name, [=](Folder& f) { change(f.tensors), f.write(); }, words};
}
using Made = MadeTensors;

class CraftedTensors : public Crafted {};
TEST_P(CraftedTensors, AreRefused) {
  refused(plain);
}
INSTANTIATE_TEST_SUITE_P(
    Plan, CraftedTensors,
    ::testing::Values(
        tensors("Missing", [](Made& made) { made.erase(gate); }, {gate, "missing", "olmoe"}),
        tensors("Surplus",
                [](Made& made) {
                  made["model.layers.0.odd"] = {"F32", {1}};
                },
                {weights, "model.layers.0.odd"}),
        tensors("Transposed",
                [](Made& made) {
                  made[gate].shape = {8, 6};
                },
                {weights, gate, "[8, 6]", "[10, 8]"}),
        tensors("OfNoElement",
                [](Made& made) {
                  made[gate].shape = {0, 8};
                },
                {weights, gate, "[0, 8]"}),
        tensors("Scalar", [](Made& made) { made[gate].shape = {}; }, {weights, gate, "[]"}),
        tensors("Integers", [](Made& made) { made[gate].dtype = "I64"; }, {weights, gate, "I64"}),
        tensors("Doubles", [](Made& made) { made[gate].dtype = "F64"; }, {weights, gate, "F64"}),
        tensors("Fp8OfAPlainFamily", [](Made& made) { made[gate].dtype = "F8_E4M3"; },
                {weights, gate, "F8_E4M3"})),
    name_of);

constexpr char const* kv = "model.layers.0.self_attn.kv_b_proj.weight";
constexpr char const* kv_scale = "model.layers.0.self_attn.kv_b_proj.weight_scale_inv";

class CraftedFp8 : public Crafted {};
TEST_P(CraftedFp8, IsRefused) {
  refused(latent);
}
INSTANTIATE_TEST_SUITE_P(
    Fp8, CraftedFp8,
    ::testing::Values(
        tensors("WithoutScales", [](Made& made) { made[kv].dtype = "F8_E4M3"; }, {kv_scale, "missing"}),
        tensors("ScalesOfAnotherShape",
                [](Made& made) {
                  made[kv].dtype = "F8_E4M3", made[kv_scale] = {"F32", {2, 1}};
                },
                {weights, kv_scale, "[2, 1]"}),
        tensors("ScalesOfIntegers",
                [](Made& made) {
                  made[kv].dtype = "F8_E4M3", made[kv_scale] = {"U8", {1, 1}};
                },
                {weights, kv_scale, "U8"}),
        tensors("ScalesOfAPlainTensor",
                [](Made& made) {
                  made[kv_scale] = {"F32", {1, 1}};
                },
                {weights, kv_scale}),
        tensors("AnotherFp8", [](Made& made) { made[kv].dtype = "F8_E5M2"; }, {weights, kv, "F8_E5M2"})),
    name_of);

constexpr char const* blocks = "model.layers.0.mlp.experts.gate_up_proj_blocks";  // [4, 128, 1, 16]
constexpr char const* scales = "model.layers.0.mlp.experts.gate_up_proj_scales";

class CraftedMxfp4 : public Crafted {};
TEST_P(CraftedMxfp4, IsRefused) {
  refused(packed);
}
INSTANTIATE_TEST_SUITE_P(
    Mxfp4, CraftedMxfp4,
    ::testing::Values(tensors("BlocksOf32",
                              [](Made& made) {
                                made[blocks].shape = {4, 128, 1, 32};
                              },
                              {weights, blocks, "[4, 128, 1, 32]"}),
                      tensors("ExpertTooFew",
                              [](Made& made) {
                                made[blocks].shape = {3, 128, 1, 16};
                              },
                              {weights, blocks, "[3, 128, 1, 16]"}),
                      tensors("BlocksFlat",
                              [](Made& made) {
                                made[blocks].shape = {4, 128, 16};
                              },
                              {weights, blocks}),
                      tensors("WithoutScales", [](Made& made) { made.erase(scales); }, {scales, "missing"}),
                      tensors("BlocksOfFloats", [](Made& made) { made[blocks].dtype = "BF16"; },
                              {weights, blocks, "BF16", "U8"}),
                      Case{"SizeNoMultipleOfABlock",
                           [](Folder& f) { f.config["hidden_size"] = 48, f.write_config(); },
                           {"config.json", "32"}}),
    name_of);

}  // namespace
}  // namespace moerae::test
