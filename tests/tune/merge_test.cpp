// Adapters in the files of a checkpoint, in every layout that a checkpoint can have.
#include "moerae/tune/merge.hpp"

#include <gmock/gmock.h>

#include <set>

#include "model/layouts.hpp"
#include "moerae/base/check.hpp"
#include "moerae/store/content_hash.hpp"
#include "moerae/tune/delta.hpp"
#include "moerae/tune/peft.hpp"

namespace moerae {
namespace {

namespace fs = std::filesystem;
using test::message_of;
using testing::HasSubstr;

constexpr std::int64_t rank_ = 3;
constexpr double scale = 0.5;
std::vector<store::ExpertKey> const chosen{{LayerId(1), ExpertId(0)}, {LayerId(1), ExpertId(3)}};

struct Made {
  store::AdapterInfo info{
      .method = "lora", .scale = scale, .experts = chosen, .tokens = {5, 7}, .norms = {}, .history = {}};
  std::map<std::string, torch::Tensor> tensors;  // by name, [n, ...]

  Made(ModelPlan const& plan, double size) {
    torch::manual_seed(3);
    auto const inner = plan.layers[1].moe()->intermediate, hidden = plan.hidden;
    auto const put = [&](char const* name, std::int64_t out, std::int64_t in) {
      tensors[name] = torch::randn({static_cast<std::int64_t>(chosen.size()), out, in}) * size;
    };
    put("gate_up/a", rank_, hidden);
    put("gate_up/b", 2 * inner, rank_);
    put("down/a", rank_, inner);
    put("down/b", hidden, rank_);
  }
  [[nodiscard]] store::AdapterReader write(fs::path const& path) const {
    store::AdapterTensors out;
    for (auto const& [name, tensor] : tensors) {
      auto const* data = tensor.const_data_ptr<float>();
      out[name] = {{tensor.sizes().begin(), tensor.sizes().end()}, {data, data + tensor.numel()}};
    }
    store::write_adapter(path, info, out, store::make_provenance(store::adapter_schema));
    return store::AdapterReader::open(path);
  }
  [[nodiscard]] torch::Tensor added(std::string const& map, std::int64_t i) const {
    return scale * tensors.at(map + "/b")[i].matmul(tensors.at(map + "/a")[i]);
  }
};

torch::Tensor values(StoredTensor const& stored) {
  auto* const data = const_cast<std::byte*>(stored.bytes.data());
  return torch::from_blob(data, stored.shape, test::stored_dtype(stored)).clone();
}

// A checkpoint in two files: that of layer 1, and all else.
struct Merging : testing::TestWithParam<test::Layout> {
  test::Scratch scratch;
  fs::path from = scratch / "model", to = scratch / "merged";
  ModelSource model;

  Merging() {
    test::put(from / "config.json", GetParam().config.dump());
    test::put(from / "tokenizer.json", "{}");
    test::put(from / "pytorch_model.bin", "other weights");
    auto const plan = read_plan(from);
    auto tensors = test::made_tensors(plan, GetParam().stored);
    test::pack(plan, tensors);
    std::map<std::string, test::MadeTensors> files;
    nlohmann::json index;
    for (auto const& [name, tensor] : tensors) {
      auto const* file = name.find(".layers.1.") == std::string::npos ? "a.safetensors" : "b.safetensors";
      files[file][name] = tensor;
      index["weight_map"][name] = file;
    }
    for (auto const& [name, of_file] : files) test::write_safetensors(from / name, of_file);
    test::put(from / "model.safetensors.index.json", index.dump());
    test::write_safetensors(from / "consolidated.safetensors", tensors);
    model = open_model(from, "float32");
  }
  [[nodiscard]] bool packed() const {
    return model.plan.quantisation.packing != Packing::plain ||
           model.plan.names.experts == ExpertLayout::mxfp4;
  }

  // What a tensor of the file must become, without the code under test.
  [[nodiscard]] torch::Tensor expected(std::string const& name, torch::Tensor was, Made const& made) const {
    auto const& n = model.plan.names;
    auto const dtype = was.scalar_type();
    auto out = was.to(torch::kFloat32);
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      auto const [layer, expert] = chosen[i];
      auto both = made.added("gate_up", static_cast<std::int64_t>(i)),
           down = made.added("down", static_cast<std::int64_t>(i));
      if (n.experts == ExpertLayout::separate) {
        auto const own = [&](std::string const& module) {
          return name == expert_tensor(model.plan, layer, module, expert) + ".weight";
        };
        if (own(n.expert_gate)) out += both.chunk(2)[0];
        if (own(n.expert_up)) out += both.chunk(2)[1];
        if (own(n.expert_down)) out += down;
        continue;
      }
      if (n.experts == ExpertLayout::interleaved) {
        both = torch::stack(both.chunk(2), 1).flatten(0, 1).t();
        down = down.t();
      }
      if (name == layer_tensor(model.plan, layer, n.expert_gate_up)) out[expert.value] += both;
      if (name == layer_tensor(model.plan, layer, n.expert_down_all)) out[expert.value] += down;
    }
    return out.to(dtype);
  }
};

TEST_P(Merging, TrainedExpertsAreWhatTheyShouldBeAllElseIsAsItWas) {
  Made const made(model.plan, 0.3);
  auto const adapter = made.write(scratch / "adapter.h5");
  if (packed()) {
    EXPECT_THAT(message_of<ConfigError>([&] { (void)write_merged(model, adapter, from, to); }),
                HasSubstr("packed"));
    EXPECT_THROW((void)write_delta(model, adapter, to), ConfigError);
    EXPECT_FALSE(fs::exists(to));
    return;
  }
  auto const merged = write_merged(model, adapter, from, to);
  std::set<std::string> changed;
  for (auto const& [file, name, hash, before] : merged.tensors) {
    SafetensorsFile const is(to / file), was(from / file);
    auto const &x = was.tensors().at(name), &y = is.tensors().at(name);
    EXPECT_EQ(hash, store::bytes_hash(y.bytes)) << name;
    EXPECT_EQ(before, store::bytes_hash(x.bytes) == hash ? "" : store::bytes_hash(x.bytes)) << name;
    EXPECT_TRUE(values(y).equal(expected(name, values(x), made))) << name;
    if (!before.empty()) changed.insert(name);
  }
  EXPECT_EQ(merged.tensors.size(), tensor_specs(model.plan).size());
  bool const apart = model.plan.names.experts == ExpertLayout::separate;
  EXPECT_EQ(changed.size(), apart ? 6U : 2U);
  EXPECT_EQ(merged.parts.size(), apart ? 6U : 4U);
  EXPECT_TRUE(fs::equivalent(from / "a.safetensors", to / "a.safetensors"));
  EXPECT_FALSE(fs::equivalent(from / "b.safetensors", to / "b.safetensors"));
  EXPECT_FALSE(fs::equivalent(from / "config.json", to / "config.json"));
  EXPECT_EQ(test::slurp(to / "tokenizer.json"), "{}");
  // what nothing was merged into is not beside what is merged
  EXPECT_THAT(merged.left_out, testing::ElementsAre("consolidated.safetensors", "pytorch_model.bin"));
  for (auto const& name : merged.left_out) EXPECT_FALSE(fs::exists(to / name));
}

TEST_P(Merging, TheDeltaHasWhatTheMergedOneHasThere) {
  if (packed()) return;
  auto const adapter = Made(model.plan, 0.3).write(scratch / "adapter.h5");
  auto const merged = write_merged(model, adapter, from, to);
  EXPECT_EQ(write_delta(model, adapter, scratch / "delta").size(), merged.parts.size());
  SafetensorsFile const delta(scratch / "delta" / delta_tensors);
  EXPECT_EQ(delta.tensors().size(), merged.parts.size());
  for (auto const& part : merged.parts) {
    auto const& stored = delta.tensors().at(part.spelled());
    EXPECT_EQ(stored.shape, part.shape);
    EXPECT_EQ(store::bytes_hash(stored.bytes), part.after);
    SafetensorsFile const whole(to / part.file.filename());
    auto there = values(whole.tensors().at(part.tensor));
    if (!part.index.empty()) there = there[part.index.front().begin];
    EXPECT_TRUE(values(stored).equal(there)) << part.spelled();
  }
}

TEST_P(Merging, WhatIsRoundedAwayIsNoExport) {
  if (packed()) return;
  auto made = Made(model.plan, 0.3);
  made.tensors["gate_up/b"].zero_();
  made.tensors["down/b"].fill_(1e-30);
  auto const adapter = made.write(scratch / "adapter.h5");
  EXPECT_THAT(message_of<ConfigError>([&] { (void)write_merged(model, adapter, from, to); }),
              HasSubstr("changes no weight"));
  EXPECT_FALSE(fs::exists(to));
}

TEST_P(Merging, OfAnotherModelIsRefused) {
  if (packed()) return;
  auto made = Made(model.plan, 0.3);
  made.info.experts.back().expert = ExpertId(7);
  EXPECT_THROW((void)write_merged(model, made.write(scratch / "adapter.h5"), from, to), DataError);
  made = Made(model.plan, 0.3);
  made.tensors["down/a"] = torch::zeros({2, rank_, 8});
  EXPECT_THROW((void)write_merged(model, made.write(scratch / "adapter.h5"), from, to), DataError);
}

TEST_P(Merging, PeftHasAFormForPlainAndMxfp4) {
  auto made = Made(model.plan, 0.3);
  auto const adapter = made.write(scratch / "adapter.h5");
  if (model.plan.quantisation.packing != Packing::plain) {
    EXPECT_THAT(message_of<ConfigError>([&] { check_peft(model.plan, adapter); }), HasSubstr("packed"));
    return;
  }
  check_peft(model.plan, adapter);
  write_peft(model, adapter, "base", scratch / "peft");
  SafetensorsFile const file(scratch / "peft/adapter_model.safetensors");
  EXPECT_EQ(file.tensors().size(), 4U);  // of layer 1 alone
  for (auto const& [name, stored] : file.tensors()) {
    auto const whole = values(stored);
    bool const b = name.ends_with("lora_B.weight");
    // [experts, rank, in] or [out, rank, experts]
    auto const of = b ? whole.view({whole.size(0), rank_, -1}).permute({2, 0, 1})
                      : whole.view({-1, rank_, whole.size(1)});
    ASSERT_EQ(of.size(0), test::layout_experts);
    for (std::int64_t e = 0; e < of.size(0); ++e)
      EXPECT_EQ(of[e].count_nonzero().item<std::int64_t>() > 0, e == 0 || e == 3) << name << " " << e;
  }
  made.info.method = "full";
  auto const full = made.write(scratch / "adapter.h5");
  EXPECT_THAT(message_of<ConfigError>([&] { check_peft(model.plan, full); }), HasSubstr("tune.method"));
}

INSTANTIATE_TEST_SUITE_P(Layouts, Merging, testing::ValuesIn(test::layouts()),
                         [](auto const& instance) { return std::string(instance.param.name); });

TEST(RangesOf, AreThoseOfNumpy) {
  using Ranges = std::vector<IndexRange>;
  EXPECT_EQ(ranges_of({4, 6, 5}, 0, 120), Ranges{});
  EXPECT_EQ(ranges_of({4, 6, 5}, 30, 30), (Ranges{{1, 2, true}}));
  EXPECT_EQ(ranges_of({4, 6, 5}, 45, 15), (Ranges{{1, 2, true}, {3, 6, false}}));
  EXPECT_EQ(ranges_of({4, 6, 5}, 60, 60), (Ranges{{2, 4, false}}));
  EXPECT_EQ(ranges_of({4, 6, 5}, 66, 1), (Ranges{{2, 3, true}, {1, 2, true}, {1, 2, true}}));
  EXPECT_ANY_THROW((void)ranges_of({4, 6, 5}, 28, 4));
  EXPECT_ANY_THROW((void)ranges_of({4, 6, 5}, 1, 30));
}

}  // namespace
}  // namespace moerae
