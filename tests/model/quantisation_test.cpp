// `quantization_config`: what can be read of it, and files that hold something else than it says.

#include "model/crafted_case.hpp"

namespace moerae::test {
namespace {

using ::testing::HasSubstr;

json of_weights(json const& weights, char const* format) {
  return {{"quant_method", "compressed-tensors"},
          {"format", format},
          {"config_groups", {{"group_0", {{"weights", weights}}}}}};
}
json const channel = {{"num_bits", 8}, {"type", "float"}, {"strategy", "channel"}};
json const group = {{"num_bits", 4}, {"type", "int"}, {"strategy", "group"}, {"group_size", 32}};

json with(json fields, char const* key, json const& value) {
  fields[key] = value;
  return fields;
}

ModelPlan plan_of(json const& how) {
  Scratch const scratch;
  auto config = plain;
  config["quantization_config"] = how;
  put(scratch / "config.json", config.dump());
  return read_plan(scratch.path());
}

TEST(Quantisation, WhatCanBeRead) {
  struct Known {
    json how;
    Packing packing;
    std::int64_t group;
  };
  for (auto const& [how, packing, size] : std::vector<Known>{
           {{{"quant_method", "fp8"}, {"weight_block_size", {128, 128}}}, Packing::block_fp8, 0},
           {{{"quant_method", "gptq"}, {"bits", 4}, {"group_size", 64}}, Packing::gptq, 64},
           {{{"quant_method", "gptq"}, {"group_size", -1}, {"desc_act", true}}, Packing::gptq, 0},
           {{{"quant_method", "gptq"}, {"checkpoint_format", "gptq_v2"}}, Packing::gptq_v2, 128},
           {{{"quant_method", "awq"}, {"bits", 4}, {"group_size", 128}, {"version", "GEMM"}},
            Packing::awq,
            128},
           {of_weights(channel, "float-quantized"), Packing::channel_fp8, 0},
           {of_weights(group, "pack-quantized"), Packing::int4, 32},
           {of_weights(with(group, "strategy", "channel"), "pack-quantized"), Packing::int4, 0}}) {
    auto const found = plan_of(how).quantisation;
    EXPECT_EQ(found.obstacle, "") << how;
    EXPECT_EQ(found.packing, packing) << how;
    EXPECT_EQ(found.group, size) << how;
  }
}

TEST(Quantisation, WhatCannotIsNamed) {
  for (auto const& [how, word] : std::vector<std::pair<json, char const*>>{
           {{{"quant_method", "bitsandbytes"}, {"load_in_4bit", true}}, "bitsandbytes"},
           {{{"load_in_4bit", true}}, "unnamed"},
           {{{"quant_method", "fp8"}, {"weight_block_size", {64, 64}}}, "[128, 128]"},
           {{{"quant_method", "gptq"}, {"bits", 8}}, "bits = 8"},
           {{{"quant_method", "gptq"}, {"group_size", 0}}, "group_size"},
           {{{"quant_method", "gptq"}, {"checkpoint_format", "marlin"}}, "marlin"},
           {{{"quant_method", "gptq"}, {"dynamic", {{"-:.*gate", json::object()}}}}, "dynamic"},
           {{{"quant_method", "awq"}, {"version", "gemv"}}, "gemv"},
           {{{"quant_method", "compressed-tensors"}}, "config_groups"},
           {of_weights(channel, "naive-quantized"), "naive-quantized"},
           {of_weights(with(channel, "strategy", "tensor"), "float-quantized"), "tensor"},
           {of_weights(with(group, "symmetric", false), "pack-quantized"), "zero point"},
           {of_weights(with(group, "actorder", "group"), "pack-quantized"), "actorder"}}) {
    auto const found = plan_of(how).quantisation;
    EXPECT_THAT(found.obstacle, HasSubstr(word)) << how;
    EXPECT_EQ(found.packing, Packing::plain) << how;
  }
}

class PackedFile : public ::testing::TestWithParam<json> {
 protected:
  PackedFile() : folder(plain) {
    folder.config["quantization_config"] = GetParam();
    folder.write_config();
    pack(read_plan(folder.scratch.path()), folder.tensors);
    folder.write();
  }
  Folder folder;
};

TEST_P(PackedFile, IsChecked) {
  ASSERT_NO_THROW(folder.read());
  auto const sound = folder.tensors;
  std::string const module = "model.layers.1.mlp.experts.3.gate_proj";
  for (auto const& [name, tensor] : sound) {
    if (!name.starts_with(module)) continue;
    auto const refused = [&] {
      folder.write();
      EXPECT_THAT(message_of<DataError>([&] { folder.read(); }), HasSubstr(name));
      folder.tensors = sound;
    };
    auto& made = folder.tensors.at(name);
    made.shape.back() += 1;
    refused();
    if (tensor.dtype != "F8_E4M3" && !name.ends_with("qweight") && !name.ends_with("weight_packed")) {
      folder.tensors.at(name).dtype = "U8";
      refused();
      folder.tensors.erase(name);
      refused();
    }
  }
}

TEST_P(PackedFile, MayHoldPlainWeightsToo) {
  auto const made = made_tensors(read_plan(folder.scratch.path()));
  std::erase_if(folder.tensors,
                [](auto const& entry) { return entry.first.find(".3.down_proj.") != std::string::npos; });
  for (auto const& [name, tensor] : made)
    if (name.find(".3.down_proj.") != std::string::npos) folder.tensors[name] = tensor;
  folder.write();
  EXPECT_NO_THROW(folder.read());
}

INSTANTIATE_TEST_SUITE_P(Methods, PackedFile,
                         ::testing::Values(json{{"quant_method", "gptq"}, {"group_size", 4}},
                                           json{{"quant_method", "awq"}, {"group_size", 2}},
                                           of_weights(channel, "float-quantized"),
                                           of_weights(with(group, "group_size", 4), "pack-quantized"),
                                           json{{"quant_method", "fp8"}, {"weight_block_size", {128, 128}}}));

}  // namespace
}  // namespace moerae::test
