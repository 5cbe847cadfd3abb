// Files in other layouts than the published ones, as transformers writes and reads them.

#include <algorithm>
#include <cstring>

#include "model/crafted_case.hpp"

namespace moerae::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

json config_of(char const* family, json const& more = json::object()) {
  auto out = json::parse(config_json(family));
  out.update(more);
  return out;
}

struct Fitted {
  Checkpoint checkpoint;
  ModelPlan plan;
  explicit Fitted(Folder const& folder)
      : checkpoint(Checkpoint::open(folder.scratch.path())),
        plan(checkpoint.fit(read_plan(folder.scratch.path()))) {}
};

// The tensors of the experts of a layer replaced by two.
void fuse(MadeTensors& tensors, std::string const& experts, std::string const& dtype = "F32") {
  std::erase_if(tensors, [&](auto const& entry) { return entry.first.starts_with(experts + "."); });
  tensors[experts + ".gate_up_proj"] = {dtype, {4, 12, 8}};
  tensors[experts + ".down_proj"] = {dtype, {4, 8, 6}};
}

std::vector<std::byte> part(StoredTensor const& tensor, std::size_t i, std::size_t of) {
  auto const size = tensor.bytes.size() / of;
  auto const at = tensor.bytes.subspan(i * size, size);
  return {at.begin(), at.end()};
}

void expect_parts(Folder const& folder, std::string const& stored, std::string const& ours,
                  std::vector<std::string> const& modules) {
  auto const before = Checkpoint::open(folder.scratch.path());
  Fitted const found(folder);
  for (std::size_t e = 0; e < 4; ++e) {
    auto const name = [&](std::size_t m) {
      return ours + "." + std::to_string(e) + "." + modules[m] + ".weight";
    };
    for (std::size_t m : {0U, 1U})
      EXPECT_EQ(part(found.checkpoint.at(name(m)), 0, 1),
                part(before.at(stored + ".gate_up_proj"), 2 * e + m, 8));
    EXPECT_EQ(part(found.checkpoint.at(name(2)), 0, 1), part(before.at(stored + ".down_proj"), e, 4));
    EXPECT_EQ(found.checkpoint.at(name(0)).shape, (std::vector<std::int64_t>{6, 8}));
  }
  EXPECT_EQ(found.checkpoint.bytes(), before.bytes());
}

TEST(CheckpointFit, CutsFusedExperts) {
  Folder folder(config_of("qwen3_moe"));
  std::string const experts =
      "model.layers.1.mlp.experts";  // the others stay as they are, as transformers reads
  fuse(folder.tensors, experts);
  folder.write();
  expect_parts(folder, experts, experts, {"gate_proj", "up_proj", "down_proj"});
}

TEST(CheckpointFit, KnowsTheNamesOfTransformers) {
  Folder folder(config_of("phimoe", {{"intermediate_size", 6}}));
  auto const published = folder.tensors;
  folder.tensors.clear();
  for (auto const& [name, tensor] : published) {
    auto at = name;
    if (auto const found = at.find("block_sparse_moe.gate"); found != std::string::npos)
      at.replace(found, 21, "mlp.router");
    if (at.find("block_sparse_moe") == std::string::npos) folder.tensors[at] = tensor;
  }
  for (auto const* layer : {"0", "1", "2"})
    fuse(folder.tensors, "model.layers." + std::string(layer) + ".mlp.experts");
  folder.write();
  expect_parts(folder, "model.layers.2.mlp.experts", "model.layers.2.block_sparse_moe.experts",
               {"w1", "w3", "w2"});
}

TEST(CheckpointFit, CutsTheScalesOfWholeBlocks) {
  json const config = config_of(
      "deepseek_v3", {{"hidden_size", 8},
                      {"num_key_value_heads", 2},
                      {"moe_intermediate_size", 256},
                      {"first_k_dense_replace", 0},
                      {"kv_lora_rank", 4},
                      {"qk_rope_head_dim", 2},
                      {"qk_nope_head_dim", 4},
                      {"v_head_dim", 4},
                      {"n_group", 1},
                      {"topk_group", 1},
                      {"quantization_config", {{"quant_method", "fp8"}, {"weight_block_size", {128, 128}}}}});
  Folder folder(config);
  auto const write = [&](std::int64_t inner) {
    std::string const experts = "model.layers.0.mlp.experts";
    std::erase_if(folder.tensors, [&](auto const& entry) { return entry.first.starts_with(experts + "."); });
    folder.tensors[experts + ".gate_up_proj"] = {"F8_E4M3", {4, 2 * inner, 8}};
    folder.tensors[experts + ".gate_up_proj_scale_inv"] = {"F32", {4, 2 * inner / 128, 1}};
    folder.tensors[experts + ".down_proj"] = {"F8_E4M3", {4, 8, inner}};
    folder.tensors[experts + ".down_proj_scale_inv"] = {"F32", {4, 1, (inner + 127) / 128}};
    folder.write();
  };
  write(256);
  auto const before = Checkpoint::open(folder.scratch.path());
  Fitted const found(folder);
  EXPECT_EQ(part(found.checkpoint.at("model.layers.0.mlp.experts.3.up_proj.weight_scale_inv"), 0, 1),
            part(before.at("model.layers.0.mlp.experts.gate_up_proj_scale_inv"), 7, 8));
  folder.config["moe_intermediate_size"] = 64;
  folder.write_config();
  folder.tensors = made_tensors(read_plan(folder.scratch.path()));
  write(64);
  EXPECT_THAT(message_of<DataError>([&] { Fitted const again(folder); }),
              AllOf(HasSubstr("gate_up_proj_scale_inv"), HasSubstr("whole blocks")));
}

TEST(CheckpointFit, RefusesTwoLayoutsOfOneTensor) {
  Folder folder(config_of("qwen3_moe"));
  folder.tensors["model.layers.1.mlp.experts.gate_up_proj"] = {"F32", {4, 12, 8}};
  folder.write();
  EXPECT_THAT(message_of<DataError>([&] { Fitted const found(folder); }),
              AllOf(HasSubstr("model.layers.1.mlp.experts.gate_up_proj"), HasSubstr("another layout")));
}

TEST(CheckpointFit, RefusesFusedExpertsOfAnotherShape) {
  Folder folder(config_of("qwen3_moe"));
  fuse(folder.tensors, "model.layers.1.mlp.experts");
  folder.tensors["model.layers.1.mlp.experts.gate_up_proj"].shape = {4, 8, 12};
  folder.write();
  EXPECT_THAT(message_of<DataError>([&] { Fitted const found(folder); }),
              AllOf(HasSubstr("gate_up_proj"), HasSubstr("[4, 8, 12]"), HasSubstr("[4, 12, 8]")));
}

TEST(CheckpointFit, ABaseModelLacksThePrefixOfItsParent) {
  Folder folder(config_of("olmoe", {{"tie_word_embeddings", true}}));
  auto const with = std::exchange(folder.tensors, {});
  for (auto const& [name, tensor] : with) folder.tensors[name.substr(6)] = tensor;
  folder.write();
  EXPECT_NO_THROW(Fitted const found(folder));
}

TEST(CheckpointFit, QuantisedIsWhatIsPacked) {
  for (auto const* family : {"olmoe", "mixtral"}) {
    Folder folder(config_of(family, {{"quantization_config", {{"quant_method", "bitsandbytes"}}}}));
    EXPECT_NO_THROW(Fitted const found(folder)) << "left over on plain tensors";
    folder.tensors.begin()->second.dtype = "U8";
    folder.write();
    EXPECT_THAT(message_of<DataError>([&] { Fitted const found(folder); }),
                AllOf(HasSubstr("quantization_config"), HasSubstr("bitsandbytes")));
  }
  json const gpt = config_of("gpt_oss", {{"hidden_size", 32}, {"intermediate_size", 32}});
  Folder folder(gpt);
  folder.config["quantization_config"] = {{"quant_method", "mxfp4"}};
  folder.write_config();
  EXPECT_EQ(read_plan(folder.scratch.path()).names.experts, ExpertLayout::mxfp4);
  EXPECT_EQ(Fitted(folder).plan.names.experts, ExpertLayout::interleaved);
}

TEST(CheckpointFit, AHeadOfItsOwnIsNotTied) {
  Folder folder(config_of("olmoe", {{"tie_word_embeddings", true}}));
  folder.tensors["lm_head.weight"] = folder.tensors["model.embed_tokens.weight"];
  folder.write();  // other values
  EXPECT_FALSE(Fitted(folder).plan.tied_embeddings);
  folder.tensors.erase("model.embed_tokens.weight");
  folder.write();
  Fitted const found(folder);
  EXPECT_TRUE(found.plan.tied_embeddings);
  EXPECT_EQ(found.checkpoint.at("model.embed_tokens.weight").shape, (std::vector<std::int64_t>{20, 8}));
}

// What transformers 5.23 makes of null, measured field by field.
TEST(CheckpointFit, NullIsNotAbsent) {
  auto const fault = [](char const* family, char const* key, json more = json::object()) {
    more[key] = nullptr;
    return message_of<DataError>([&] { Folder const folder(config_of(family, more)); });
  };
  for (auto const& [family, key] :
       std::vector<std::pair<char const*, char const*>>{{"granitemoe", "attention_multiplier"},
                                                        {"granitemoe", "logits_scaling"},
                                                        {"olmoe", "norm_topk_prob"},
                                                        {"qwen3_moe", "head_dim"},
                                                        {"qwen3_moe", "decoder_sparse_step"},
                                                        {"gpt_oss", "sliding_window"},
                                                        {"mixtral", "tie_word_embeddings"},
                                                        {"mixtral", "max_position_embeddings"},
                                                        {"phimoe", "router_jitter_noise"},
                                                        {"olmoe", "hidden_act"}})
    EXPECT_THAT(fault(family, key), AllOf(HasSubstr(key), HasSubstr("null"))) << family;
  EXPECT_THAT(fault("glm4_moe", "partial_rotary_factor", {{"n_routed_experts", 4}}),
              HasSubstr("partial_rotary_factor"));
  for (auto const* inside : {"partial_rotary_factor", "rope_theta", "rope_type"})
    EXPECT_THAT(message_of<DataError>([&] {
                  Folder const folder(
                      config_of("mixtral", {{"rope_parameters", {{"factor", 1.0}, {inside, nullptr}}}}));
                }),
                AllOf(HasSubstr(inside), HasSubstr("null")));
  for (auto const* key : {"rope_theta", "rope_scaling", "rope_parameters", "dtype", "torch_dtype",
                          "sliding_window", "head_dim", "layer_types", "partial_rotary_factor"})
    EXPECT_NO_THROW(Folder const folder(config_of("mixtral", {{key, nullptr}}))) << key;
}

TEST(CheckpointFit, AnotherNameOfAFamily) {
  json const latent = {{"num_key_value_heads", 2}, {"kv_lora_rank", 4},         {"qk_rope_head_dim", 2},
                       {"qk_nope_head_dim", 4},    {"v_head_dim", 4},           {"n_group", 1},
                       {"topk_group", 1},          {"first_k_dense_replace", 0}};
  EXPECT_EQ(Fitted(Folder(config_of("kimi_k2", latent))).plan.family, "deepseek_v3");
  EXPECT_THAT(
      message_of<DataError>([] {
        Folder const folder(config_of("a_copy", {{"architectures", {"Qwen3MoeForCausalLM"}}}));
      }),
      AllOf(HasSubstr("a_copy"), HasSubstr("Qwen3MoeForCausalLM"), HasSubstr("set model_type to qwen3_moe")));
}

TEST(CheckpointFit, WhatPythonWritesMayStandWhereNobodyReads) {
  Folder const folder(config_of("olmoe"));
  auto text = folder.config.dump();
  text.insert(1,
              R"("router_aux_loss_coef":NaN,"x":[-Infinity,{"y":Infinity}],"note":"\"NaN\" stays, a \\",)");
  put(folder.at("config.json"), text);
  EXPECT_NO_THROW((void)read_plan(folder.scratch.path()));
}

}  // namespace
}  // namespace moerae::test
