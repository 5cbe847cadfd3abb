// Layers read one by one are those of the model read as a whole; what is read can be written back.

#include "moerae/model/weight_reader.hpp"

#include <gtest/gtest.h>

#include <set>

#include "model/experts.hpp"
#include "model/layer.hpp"
#include "model/layouts.hpp"
#include "model/made_model.hpp"
#include "model/weight_tensors.hpp"
#include "moerae/model/expert_views.hpp"
#include "moerae/model/vocabulary_logits.hpp"

namespace moerae {
namespace {

using WeightReading = test::EveryLayout;
using test::same_bits;

void expect_equal(LayerWeights const& found, LayerWeights const& expected) {
  auto const a = test::tensors_of(found), b = test::tensors_of(expected);
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(same_bits(a[i], b[i])) << i;
}

torch::Tensor through(torch::Tensor const& h, Layer const& layer, Rows const& rows) {
  Pass pass{.rows = rows};
  auto const entered = enter(h, layer, pass);
  return leave(entered,
               apply_experts(entered.x, entered.decision.experts, entered.decision.weights, layer.moe()),
               layer);
}

TEST_P(WeightReading, LayersInAnyOrderAreTheResidentOnesAndComputeTheSame) {
  torch::NoGradGuard const plain;
  auto const tokens = test::made_tokens(6, 3);
  auto const rows = Rows::of({{tokens}});
  auto const h = torch::randn({6, plan_.hidden});
  for (int const width : {1, 2, 4})
    for (int member = 0; member < width; ++member) {
      auto const resident = load(member, width);
      WeightReader reader(plan_, *checkpoint_, {}, share(member, width));
      for (std::int32_t const i : {1, 0, 1}) {
        auto const layer = reader.layer(LayerId(i));
        auto const& kept = resident.weights.layers.at(static_cast<std::size_t>(i));
        expect_equal(layer, kept);
        auto const out = through(h, {plan_, LayerId(i), layer}, rows);
        EXPECT_TRUE(same_bits(out, through(h, {plan_, LayerId(i), kept}, rows)));
        EXPECT_TRUE(out.isfinite().all().item<bool>());
      }
      EXPECT_TRUE(same_bits(reader.common(Head::drop).embedding, resident.weights.embedding));
      EXPECT_EQ(reader.hashes(), resident.hashes);
    }
}

TEST_P(WeightReading, TheHeadIsHashedKeptOrNot) {
  auto const without = load(0, 2);
  EXPECT_FALSE(without.weights.head.weight.defined());
  for (int const member : {0, 1}) {
    auto const with = load(member, 2, {}, Head::keep);
    EXPECT_EQ(with.hashes, load(member, 2).hashes);
    auto const name = plan_.tied_embeddings ? plan_.names.embedding : plan_.names.head + ".weight";
    EXPECT_TRUE(same_bits(with.weights.head.weight, stored(name).to(torch::kFloat32)));
    EXPECT_EQ(with.weights.head.weight.data_ptr() == with.weights.embedding.data_ptr(),
              plan_.tied_embeddings);
    auto const h = torch::randn({3, plan_.hidden});
    EXPECT_TRUE(torch::allclose(vocabulary_logits(h, with.weights, plan_) * plan_.logit_divisor,
                                h.mm(stored(name).to(torch::kFloat32).t()), 1e-4, 1e-4));
  }
  EXPECT_EQ(load(0, 1, {}, Head::keep).bytes_read, checkpoint_->bytes()) << "every byte once";
}

// The meta device has no memory: what is placed there was never touched on the host.
TEST_P(WeightReading, TensorsLieOnTheDeviceThatIsAsked) {
  auto const here = load(1, 2);
  auto const there = load(1, 2, {torch::kMeta, torch::kFloat32});
  EXPECT_EQ(there.hashes, here.hashes);
  EXPECT_EQ(there.bytes_read, here.bytes_read);
  auto found = test::tensors_of(there.weights.layers.at(1));
  auto const expected = test::tensors_of(here.weights.layers.at(1));
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(found[i].defined(), expected[i].defined());
    if (!found[i].defined() || found[i].dim() == 0) continue;  // the id of the first expert is no weight
    EXPECT_TRUE(found[i].is_meta()) << i;
    EXPECT_EQ(found[i].sizes(), expected[i].sizes());
  }
}

// What a writer would store: the views in the dtype of the file, block FP8 by the scales of the file.
TEST_P(WeightReading, ExpertsWrittenBackAreThoseOfTheFile) {
  std::map<std::string, torch::Tensor> written;
  for (auto const dtype : {torch::kFloat32, torch::kBFloat16}) {
    if (dtype == torch::kBFloat16 && std::string(GetParam().stored) == "F32") continue;  // rounds
    auto const loaded = load(0, 1, {torch::kCPU, dtype});
    std::set<std::pair<std::string, std::int64_t>> parts;
    for (std::int32_t i = 0; i < 2; ++i) {
      auto const& moe =
          std::get<MoeWeights>(loaded.weights.layers.at(static_cast<std::size_t>(i)).feed_forward);
      for (std::int32_t e = 0; e < test::layout_experts; ++e)
        for (auto const& [name, row, view] :
             expert_views(plan_, LayerId(i), ExpertId(e), moe.experts.at(static_cast<std::size_t>(e)))) {
          EXPECT_TRUE(parts.emplace(name, row.value_or(-1)).second) << name << " twice";
          auto const& tensor = checkpoint_->at(name);
          bool const unpacked = tensor.dtype == "F8_E4M3" && view.scalar_type() != torch::kFloat8_e4m3fn;
          auto const value = unpacked ? view.to(torch::kFloat32) / scales(name) : view;
          auto& out = written.try_emplace(name, torch::zeros_like(stored(name))).first->second;
          auto const slot = row ? out[*row] : out;
          slot.copy_(value.to(out.scalar_type()).reshape(slot.sizes()));
        }
    }
    std::size_t count = 0;
    for (auto const& spec : tensor_specs(plan_)) {
      if (!spec.expert && !spec.per_expert) continue;
      std::vector<std::string> names{spec.name};
      if (checkpoint_->packed(spec.name) && stays_packed(plan_.quantisation.packing)) {
        names.clear();
        for (auto const& part : packed_tensors(plan_.quantisation, spec.shape[0], spec.shape[1]))
          names.push_back(module_of(spec.name) + std::string(part.suffix));
      }
      for (auto const& name : names) {
        ++count;
        ASSERT_TRUE(written.contains(name)) << name;
        EXPECT_TRUE(same_bits(written.at(name), stored(name))) << name;
      }
    }
    EXPECT_EQ(written.size(), count);
    written.clear();
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, WeightReading, testing::ValuesIn(test::layouts()),
                         [](auto const& made) { return made.param.name; });

}  // namespace
}  // namespace moerae
