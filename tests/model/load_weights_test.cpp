// Every rank reads what it owns and no more, by its own count and by the kernel's; what it reads stands in
// the order the decoder wants.

#include "moerae/model/load_weights.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <fstream>
#include <functional>

#include "model/made_checkpoint.hpp"
#include "store/scratch.hpp"

namespace moerae {
namespace {

using nlohmann::json;

constexpr std::int64_t hidden = 64, inner = 32, experts = 5;
constexpr char const* scale = "_scale_inv";

json config_of(char const* family, json const& more = json::object()) {
  json config = {{"model_type", family},      {"vocab_size", 30},         {"hidden_size", hidden},
                 {"num_hidden_layers", 2},    {"num_attention_heads", 4}, {"num_key_value_heads", 2},
                 {"num_experts", experts},    {"num_experts_per_tok", 2}, {"moe_intermediate_size", inner},
                 {"intermediate_size", inner}};
  config.update(more);
  return config;
}

struct Layout {
  char const* name;
  json config;
  char const* stored;  // dtype of the floating tensors
};
void PrintTo(Layout const& layout, std::ostream* out) {
  *out << layout.name;
}

// what read(2) and its kin returned to this process
std::int64_t bytes_by_the_kernel() {
  std::ifstream file("/proc/self/io");
  std::string key;
  std::int64_t value = -1;
  file >> key >> value;
  EXPECT_EQ(key, "rchar:") << "/proc/self/io is needed to see what is read";
  return value;
}

class LoadWeights : public testing::TestWithParam<Layout> {
 protected:
  LoadWeights() {
    test::put(scratch_ / "config.json", GetParam().config.dump());
    plan_ = read_plan(scratch_.path());
    auto tensors = test::made_tensors(plan_, GetParam().stored);
    for (auto const& spec : tensor_specs(plan_))
      if (plan_.block_fp8 && spec.kind == TensorSpec::Kind::linear) {
        tensors[spec.name].dtype = "F8_E4M3";
        tensors[spec.name + scale].dtype = "F32";
        for (auto const extent : spec.shape)
          tensors[spec.name + scale].shape.push_back((extent + fp8_block - 1) / fp8_block);
      }
    test::write_safetensors(scratch_ / "model.safetensors", tensors);
    checkpoint_.emplace(Checkpoint::open(scratch_.path()));
    checkpoint_->check_against(plan_);
  }
  [[nodiscard]] LoadedWeights load(int member, int width, torch::Dtype dtype = torch::kFloat32) const {
    return load_weights(plan_, *checkpoint_, dtype, member, width);
  }
  // the tensor of the file, without the reader under test
  [[nodiscard]] torch::Tensor file(std::string const& name) const {
    auto const& stored = checkpoint_->at(name);
    auto const dtype = stored.dtype == "U8"        ? torch::kUInt8
                       : stored.dtype == "F32"     ? torch::kFloat32
                       : stored.dtype == "F8_E4M3" ? torch::kFloat8_e4m3fn
                                                   : torch::kBFloat16;
    std::vector<std::byte> bytes(stored.bytes.begin(), stored.bytes.end());
    auto out = torch::from_blob(bytes.data(), stored.shape, torch::TensorOptions().dtype(dtype)).clone();
    if (dtype == torch::kUInt8) return out;
    out = out.to(torch::kFloat32);
    if (dtype == torch::kFloat8_e4m3fn) {
      auto const scales = file(name + scale);
      for (std::int64_t i = 0; i < scales.size(0); ++i)
        for (std::int64_t j = 0; j < scales.size(1); ++j)
          out.slice(0, i * fp8_block, (i + 1) * fp8_block).slice(1, j * fp8_block, (j + 1) * fp8_block) *=
              scales[i][j];
    }
    return out;
  }
  test::Scratch scratch_;
  ModelPlan plan_;
  std::optional<Checkpoint> checkpoint_;
};

TEST_P(LoadWeights, ARankReadsWhatItOwns) {
  std::int64_t common = 0;  // what all hold; the head is hashed by member 0 alone
  auto const bytes = [&](std::string const& name) {
    return static_cast<std::int64_t>(checkpoint_->at(name).bytes.size());
  };
  for (auto const& spec : tensor_specs(plan_)) {
    if (spec.expert || spec.per_expert || is_head(plan_, spec)) continue;
    common += bytes(spec.name) + (checkpoint_->is_block_fp8(plan_, spec) ? bytes(spec.name + scale) : 0);
  }
  std::map<std::string, std::string> hashes;
  for (int width = 1; width <= experts; ++width) {
    std::int64_t sum = 0;
    std::map<std::string, std::string> all;
    for (int member = 0; member < width; ++member) {
      auto const before = bytes_by_the_kernel();
      auto loaded = load(member, width);
      auto const by_the_kernel = bytes_by_the_kernel() - before;
      EXPECT_GE(by_the_kernel, loaded.bytes_read);
      EXPECT_LE(by_the_kernel, loaded.bytes_read + 4096) << "besides /proc/self/io";
      sum += loaded.bytes_read;
      auto const count = loaded.hashes.size();
      all.merge(loaded.hashes);
      EXPECT_TRUE(loaded.hashes.empty()) << "of " << count << " some have two owners";
    }
    EXPECT_EQ(sum, checkpoint_->bytes() + (width - 1) * common) << width;
    if (width == 1) hashes = all;
    EXPECT_EQ(all, hashes) << "the hash of a model must not depend on the ranks; width " << width;
  }
}

TEST_P(LoadWeights, ExpertsStandInTheOrderOfTheDecoder) {
  auto const& n = plan_.names;
  auto const name = [&](std::string const& part) { return layer_tensor(plan_, LayerId(1), part); };
  auto const rows = [](torch::Tensor const& mixed) {  // gate, up, gate, up, ... -> gate first
    return torch::cat({mixed.slice(0, 0, {}, 2), mixed.slice(0, 1, {}, 2)});
  };
  auto const loaded = load(1, 2);
  auto const& moe = std::get<MoeWeights>(loaded.weights.layers.at(1).feed_forward);
  EXPECT_EQ(moe.first, 2);
  ASSERT_EQ(moe.experts.size(), 3U);
  for (std::int32_t e = 2; e < experts; ++e) {
    auto const& expert = moe.experts[static_cast<std::size_t>(e - 2)];
    torch::Tensor both, down;
    switch (n.experts) {
      case ExpertLayout::separate: {
        auto const part = [&](std::string const& which) {
          return file(expert_tensor(plan_, LayerId(1), which, ExpertId(e)) + ".weight");
        };
        both = torch::cat({part(n.expert_gate), part(n.expert_up)});
        down = part(n.expert_down);
        break;
      }
      case ExpertLayout::fused:
        both = file(name(n.expert_gate_up))[e];
        down = file(name(n.expert_down_all))[e];
        break;
      case ExpertLayout::interleaved:
        both = rows(file(name(n.expert_gate_up))[e].t());
        down = file(name(n.expert_down_all))[e].t();
        break;
      case ExpertLayout::mxfp4:
        EXPECT_TRUE(
            torch::equal(expert.gate_up.packed.blocks, rows(file(name(n.expert_gate_up + "_blocks"))[e])));
        EXPECT_TRUE(
            torch::equal(expert.gate_up.packed.scales, rows(file(name(n.expert_gate_up + "_scales"))[e])));
        EXPECT_TRUE(torch::equal(expert.down.packed.blocks, file(name(n.expert_down_all + "_blocks"))[e]));
        EXPECT_TRUE(torch::equal(expert.down.packed.scales, file(name(n.expert_down_all + "_scales"))[e]));
        break;
    }
    if (both.defined()) {
      EXPECT_TRUE(torch::allclose(expert.gate_up.weight, both, 0, 0, true)) << e;  // FP8 may hold NaN
      EXPECT_TRUE(torch::allclose(expert.down.weight, down, 0, 0, true)) << e;
      EXPECT_TRUE(expert.gate_up.weight.is_contiguous() && expert.down.weight.is_contiguous());
    }
    if (n.experts == ExpertLayout::interleaved || n.experts == ExpertLayout::mxfp4) {
      EXPECT_TRUE(torch::equal(expert.gate_up.bias, rows(file(name(n.expert_gate_up + "_bias"))[e])));
      EXPECT_TRUE(torch::equal(expert.down.bias, file(name(n.expert_down_all + "_bias"))[e]));
    }
  }
}

TEST_P(LoadWeights, CommonTensorsAreThoseOfTheFile) {
  auto const loaded = load(1, 2, torch::kBFloat16);
  auto const& layer = loaded.weights.layers.at(0);
  auto const of = [&](std::string const& module) {
    return file(layer_tensor(plan_, LayerId(0), module) + ".weight").to(torch::kBFloat16);
  };
  auto const& n = plan_.names;
  EXPECT_TRUE(torch::equal(loaded.weights.embedding, file(n.embedding).to(torch::kBFloat16)));
  if (!plan_.layers.front().attention.latent) {
    EXPECT_TRUE(torch::equal(layer.attention.qkv.weight, torch::cat({of(n.q), of(n.k), of(n.v)})));
  }
  EXPECT_TRUE(torch::allclose(layer.attention.out.weight, of(n.o), 0, 0, true));
}

json const fp8 = {{"num_key_value_heads", 4},
                  {"first_k_dense_replace", 0},
                  {"q_lora_rank", 24},
                  {"kv_lora_rank", 16},
                  {"qk_rope_head_dim", 8},
                  {"qk_nope_head_dim", 8},
                  {"v_head_dim", 40},
                  {"n_routed_experts", experts},
                  {"n_shared_experts", 1},
                  {"n_group", 1},
                  {"topk_group", 1},
                  {"quantization_config", {{"quant_method", "fp8"}, {"weight_block_size", {128, 128}}}}};
json const mxfp4 = {{"num_local_experts", experts}, {"quantization_config", {{"quant_method", "mxfp4"}}}};

INSTANTIATE_TEST_SUITE_P(
    Layouts, LoadWeights,
    testing::Values(Layout{"Separate", config_of("qwen3_moe"), "BF16"},
                    Layout{"SeparateFloat32", config_of("olmoe"), "F32"},
                    Layout{"Fused", config_of("granitemoe", {{"num_local_experts", experts}}), "BF16"},
                    Layout{"Interleaved", config_of("gpt_oss", {{"num_local_experts", experts}}), "BF16"},
                    Layout{"Mxfp4", config_of("gpt_oss", mxfp4), "BF16"},
                    Layout{"BlockFp8", config_of("deepseek_v3", fp8), "BF16"}),
    [](auto const& made) { return made.param.name; });

}  // namespace
}  // namespace moerae
