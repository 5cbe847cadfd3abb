#include "moerae/model/weights.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

torch::Dtype stored_dtype(StoredTensor const& tensor) {
  if (tensor.dtype == "BF16") return torch::kBFloat16;
  if (tensor.dtype == "F16") return torch::kFloat16;
  return torch::kFloat32;  // check_against has seen to it that there is no other
}

std::string hash_of(std::string const& name, StoredTensor const& tensor) {
  auto const head = fmt::format("{}\n{}\n{}\n", name, tensor.dtype, fmt::join(tensor.shape, ","));
  auto const seed = XXH3_64bits(head.data(), head.size());
  auto const hash = XXH3_128bits_withSeed(tensor.bytes.data(), tensor.bytes.size(), seed);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

class Loader {
 public:
  Loader(ModelPlan const& plan, Checkpoint const& checkpoint, torch::Dtype dtype, int member, int width)
      : plan_(plan), checkpoint_(checkpoint), dtype_(dtype), member_(member), width_(width) {}

  LoadedWeights load() {
    auto const& n = plan_.names;
    out_.weights.embedding = read(n.embedding);
    out_.weights.final_norm = read(n.final_norm);
    if (!plan_.tied_embeddings) note(n.head, false);
    for (std::size_t i = 0; i < plan_.layers.size(); ++i)
      out_.weights.layers.push_back(layer(LayerId(static_cast<std::int32_t>(i)), plan_.layers[i]));
    return std::move(out_);
  }

 private:
  // The owner of a tensor hashes it; `mine` marks the tensors of an expert, which only its owner reads.
  void note(std::string const& name, bool mine) {
    if (mine || member_ == 0) out_.hashes[name] = hash_of(name, checkpoint_.at(name));
  }

  torch::Tensor read(std::string const& name, bool mine = false) {
    auto const& stored = checkpoint_.at(name);
    note(name, mine);
    out_.bytes_read += static_cast<std::int64_t>(stored.bytes.size());
    auto const raw = torch::empty(stored.shape, torch::TensorOptions().dtype(stored_dtype(stored)));
    std::memcpy(raw.data_ptr(), stored.bytes.data(), stored.bytes.size());  // the mapping need not be aligned
    return raw.to(dtype_);
  }

  MlpWeights mlp(std::string const& gate, std::string const& up, std::string const& down, bool mine) {
    return {torch::cat({read(gate, mine), read(up, mine)}), read(down, mine)};
  }

  AttentionWeights attention(LayerId layer, AttentionSpec const& spec) {
    auto const& n = plan_.names;
    auto const joined = [&](char const* part) {
      return torch::cat({read(layer_tensor(plan_, layer, n.q + part)),
                         read(layer_tensor(plan_, layer, n.k + part)),
                         read(layer_tensor(plan_, layer, n.v + part))});
    };
    AttentionWeights out;
    out.qkv = joined(".weight");
    out.out = read(layer_tensor(plan_, layer, n.o + ".weight"));
    if (spec.bias) {
      out.qkv_bias = joined(".bias");
      out.out_bias = read(layer_tensor(plan_, layer, n.o + ".bias"));
    }
    if (spec.qk_norm != QkNorm::none) {
      out.q_norm = read(layer_tensor(plan_, layer, n.q_norm));
      out.k_norm = read(layer_tensor(plan_, layer, n.k_norm));
    }
    return out;
  }

  MoeWeights moe(LayerId layer, MoeSpec const& spec) {
    auto const& n = plan_.names;
    ExpertShare const share{spec.router.experts, width_};
    MoeWeights out;
    out.router = read(layer_tensor(plan_, layer, n.router));
    out.first = share.first(member_);
    for (auto e = out.first; e < share.first(member_ + 1); ++e) {
      auto const name = [&](std::string const& text) {
        return expert_tensor(plan_, layer, text, ExpertId(static_cast<std::int32_t>(e)));
      };
      out.experts.push_back(mlp(name(n.expert_gate), name(n.expert_up), name(n.expert_down), true));
    }
    return out;
  }

  LayerWeights layer(LayerId id, LayerSpec const& spec) {
    auto const& n = plan_.names;
    auto const name = [&](std::string const& text) { return layer_tensor(plan_, id, text); };
    LayerWeights out;
    out.input_norm = read(name(n.input_norm));
    out.post_norm = read(name(n.post_norm));
    out.attention = attention(id, spec.attention);
    if (auto const* sparse = spec.moe())
      out.feed_forward = moe(id, *sparse);
    else
      out.feed_forward = mlp(name(n.dense_gate), name(n.dense_up), name(n.dense_down), false);
    return out;
  }

  ModelPlan const& plan_;
  Checkpoint const& checkpoint_;
  torch::Dtype dtype_;
  int member_, width_;
  LoadedWeights out_;
};

}  // namespace

int ExpertShare::owner(std::int64_t expert) const {
  auto member = static_cast<int>(expert * width / experts);
  while (first(member + 1) <= expert) ++member;  // the estimate is never too large
  return member;
}

LoadedWeights load_weights(ModelPlan const& plan, Checkpoint const& checkpoint, torch::Dtype dtype,
                           int member, int width) {
  c10::InferenceMode const inference(false);  // the same tensors serve tuning
  return Loader(plan, checkpoint, dtype, member, width).load();
}

std::int64_t resident_bytes(ModelPlan const& plan, std::int64_t element_bytes, int width) {
  ExpertShare const share{plan.router().experts, width};
  std::int64_t most = 0;
  for (int m = 0; m < width; ++m) most = std::max(most, share.first(m + 1) - share.first(m));
  std::int64_t elements = 0;
  for (auto const& spec : tensor_specs(plan)) {
    if (spec.name == plan.names.head && !plan.tied_embeddings) continue;  // recording needs no output head
    if (spec.expert && spec.expert->value >= most) continue;  // every expert of a layer has one shape
    elements += std::accumulate(spec.shape.begin(), spec.shape.end(), std::int64_t{1}, std::multiplies<>());
  }
  return elements * element_bytes;
}

}  // namespace moerae
