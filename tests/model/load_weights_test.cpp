// Every rank reads what it owns and no more, by its own count and by the kernel's; what it reads stands in
// the order the decoder wants.

#include "moerae/model/load_weights.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <fstream>

#include "model/layouts.hpp"

namespace moerae {
namespace {

using LoadWeights = test::EveryLayout;
using test::layout_experts;

// what read(2) and its kin returned to this process
std::int64_t bytes_by_the_kernel() {
  std::ifstream file("/proc/self/io");
  std::string key;
  std::int64_t value = -1;
  file >> key >> value;
  EXPECT_EQ(key, "rchar:") << "/proc/self/io is needed to see what is read";
  return value;
}

TEST_P(LoadWeights, ARankReadsWhatItOwns) {
  std::int64_t common = 0;  // what all hold; the head is hashed by member 0 alone
  auto const bytes = [&](std::string const& name) {
    return static_cast<std::int64_t>(checkpoint_->at(name).bytes.size());
  };
  for (auto const& spec : tensor_specs(plan_)) {
    if (spec.expert || spec.per_expert || is_head(plan_, spec)) continue;
    if (!checkpoint_->packed(spec.name)) {
      common += bytes(spec.name);
      continue;
    }
    for (auto const& part : packed_tensors(plan_.quantisation, spec.shape[0], spec.shape[1]))
      common += bytes(module_of(spec.name) + std::string(part.suffix));
  }
  std::map<std::string, std::string> hashes;
  for (int width = 1; width <= layout_experts; ++width) {
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
  for (std::int32_t e = 2; e < layout_experts; ++e) {
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
      EXPECT_TRUE(torch::equal(expert.gate_up.dense(torch::kFloat32), both)) << e;
      EXPECT_TRUE(torch::equal(expert.down.dense(torch::kFloat32), down)) << e;
      EXPECT_EQ(expert.gate_up.weight.defined(), !stays_packed(plan_.quantisation.packing));
      EXPECT_TRUE(!expert.gate_up.weight.defined() ||
                  (expert.gate_up.weight.is_contiguous() && expert.down.weight.is_contiguous()));
    }
    if (n.experts == ExpertLayout::interleaved || n.experts == ExpertLayout::mxfp4) {
      EXPECT_TRUE(torch::equal(expert.gate_up.bias, rows(file(name(n.expert_gate_up + "_bias"))[e])));
      EXPECT_TRUE(torch::equal(expert.down.bias, file(name(n.expert_down_all + "_bias"))[e]));
    }
  }
}

TEST_P(LoadWeights, CommonTensorsAreThoseOfTheFile) {
  auto const loaded = load(1, 2, {torch::kCPU, torch::kBFloat16});
  auto const& layer = loaded.weights.layers.at(0);
  auto const of = [&](std::string const& module) {
    return file(layer_tensor(plan_, LayerId(0), module) + ".weight").to(torch::kBFloat16);
  };
  auto const& n = plan_.names;
  EXPECT_TRUE(torch::equal(loaded.weights.embedding, file(n.embedding).to(torch::kBFloat16)));
  if (!plan_.layers.front().attention.latent) {
    EXPECT_TRUE(torch::equal(layer.attention.qkv.weight, torch::cat({of(n.q), of(n.k), of(n.v)})));
  }
  EXPECT_TRUE(torch::equal(layer.attention.out.weight, of(n.o)));
}

INSTANTIATE_TEST_SUITE_P(Layouts, LoadWeights, testing::ValuesIn(test::layouts()),
                         [](auto const& made) { return made.param.name; });

}  // namespace
}  // namespace moerae
