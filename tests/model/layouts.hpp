#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "model/made_checkpoint.hpp"
#include "moerae/model/load_weights.hpp"
#include "store/scratch.hpp"

namespace moerae::test {

/// A checkpoint layout, as a config.json of two layers and the dtype of the floating tensors.
struct Layout {
  char const* name;
  nlohmann::json config;
  char const* stored;
};
inline void PrintTo(Layout const& layout, std::ostream* out) {
  *out << layout.name;
}

constexpr std::int64_t layout_experts = 5;
constexpr char const* fp8_scale = "_scale_inv";

inline nlohmann::json layout_config(char const* family,
                                    nlohmann::json const& more = nlohmann::json::object()) {
  nlohmann::json config = {
      {"model_type", family},          {"vocab_size", 30},         {"hidden_size", 64},
      {"num_hidden_layers", 2},        {"num_attention_heads", 4}, {"num_key_value_heads", 2},
      {"num_experts", layout_experts}, {"num_experts_per_tok", 2}, {"moe_intermediate_size", 32},
      {"intermediate_size", 32}};
  config.update(more);
  return config;
}

/// One of every kind that a checkpoint can have.
inline std::vector<Layout> layouts() {
  using nlohmann::json;
  json const local = {{"num_local_experts", layout_experts}};
  json tied = local, mxfp4 = local;
  tied.update({{"tie_word_embeddings", true}, {"logits_scaling", 3.0}});
  mxfp4["quantization_config"] = {{"quant_method", "mxfp4"}};
  json const fp8 = {{"num_key_value_heads", 4},
                    {"first_k_dense_replace", 0},
                    {"q_lora_rank", 24},
                    {"kv_lora_rank", 16},
                    {"qk_rope_head_dim", 8},
                    {"qk_nope_head_dim", 8},
                    {"v_head_dim", 40},
                    {"n_routed_experts", layout_experts},
                    {"n_shared_experts", 1},
                    {"n_group", 1},
                    {"topk_group", 1},
                    {"quantization_config", {{"quant_method", "fp8"}, {"weight_block_size", {128, 128}}}}};
  auto const by = [](json const& how) { return json{{"quantization_config", how}}; };
  json const channel = {
      {"quant_method", "compressed-tensors"},
      {"format", "float-quantized"},
      {"config_groups",
       {{"group_0",
         {{"weights",
           {{"num_bits", 8}, {"type", "float"}, {"strategy", "channel"}, {"symmetric", true}}}}}}}};
  return {{"Separate", layout_config("qwen3_moe"), "BF16"},
          {"ChannelFp8", layout_config("qwen3_moe", by(channel)), "BF16"},
          {"Awq", layout_config("qwen3_moe", by({{"quant_method", "awq"}, {"group_size", 32}})), "BF16"},
          {"SeparateFloat32", layout_config("olmoe"), "F32"},
          {"Fused", layout_config("granitemoe", tied), "BF16"},
          {"Interleaved", layout_config("gpt_oss", local), "BF16"},
          {"Mxfp4", layout_config("gpt_oss", mxfp4), "BF16"},
          {"BlockFp8", layout_config("deepseek_v3", fp8), "BF16"}};
}

inline torch::Dtype stored_dtype(StoredTensor const& stored) {
  return stored.dtype == "U8"        ? torch::kUInt8
         : stored.dtype == "I32"     ? torch::kInt32
         : stored.dtype == "F32"     ? torch::kFloat32
         : stored.dtype == "F8_E4M3" ? torch::kFloat8_e4m3fn
                                     : torch::kBFloat16;
}

/// A made checkpoint of the layout on disk.
class EveryLayout : public testing::TestWithParam<Layout> {
 protected:
  EveryLayout() {
    put(scratch_ / "config.json", GetParam().config.dump());
    plan_ = read_plan(scratch_.path());
    auto tensors = made_tensors(plan_, GetParam().stored);
    pack(plan_, tensors);
    write_safetensors(scratch_ / "model.safetensors", tensors);
    checkpoint_.emplace(Checkpoint::open(scratch_.path()));
    plan_ = checkpoint_->fit(std::move(plan_));
  }
  [[nodiscard]] static ExpertShare share(int member, int width) { return {layout_experts, width, member}; }
  [[nodiscard]] LoadedWeights load(int member, int width, Placement place = {},
                                   Head head = Head::drop) const {
    return load_weights(plan_, *checkpoint_, place, share(member, width), head);
  }
  /// A tensor as it stands in the file, without the reader under test.
  [[nodiscard]] torch::Tensor stored(std::string const& name) const {
    auto const& tensor = checkpoint_->at(name);
    std::vector<std::byte> bytes(tensor.bytes.begin(), tensor.bytes.end());
    auto const options = torch::TensorOptions().dtype(stored_dtype(tensor));
    return torch::from_blob(bytes.data(), tensor.shape, options).clone();
  }
  /// Its values: bytes as they are, all else in float32 and unpacked.
  [[nodiscard]] torch::Tensor file(std::string const& name) const {
    if (auto const* const shape = checkpoint_->packed(name)) {
      QuantisedWeight weight{plan_.quantisation, shape->at(0), shape->at(1), {}};
      for (auto const& part : packed_tensors(weight.how, weight.out, weight.in))
        weight.parts.push_back(stored(module_of(name) + std::string(part.suffix)));
      return weight.unpack(torch::kFloat32);
    }
    auto const out = stored(name);
    return out.scalar_type() == torch::kUInt8 ? out : out.to(torch::kFloat32);
  }
  /// The scale of every element of a tensor in block FP8.
  [[nodiscard]] torch::Tensor scales(std::string const& name) const {
    auto const& shape = checkpoint_->at(name).shape;
    auto out = torch::empty(shape);
    auto const of_block = stored(name + fp8_scale);
    for (std::int64_t i = 0; i < shape[0]; ++i)
      for (std::int64_t j = 0; j < shape[1]; ++j) out[i][j] = of_block[i / fp8_block][j / fp8_block];
    return out;
  }
  Scratch scratch_;
  ModelPlan plan_;
  std::optional<Checkpoint> checkpoint_;
};

}  // namespace moerae::test
