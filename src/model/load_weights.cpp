#include "moerae/model/load_weights.hpp"

#include <algorithm>

#include "model/tensor_reader.hpp"
#include "moerae/base/check.hpp"

namespace moerae {
namespace {

using Owner = TensorReader::Owner;

class Loader {
 public:
  Loader(ModelPlan const& plan, Checkpoint const& checkpoint, torch::Dtype dtype, int member, int width)
      : plan_(plan),
        names_(plan.names),
        reader_(plan, checkpoint, dtype, member == 0),
        dtype_(dtype),
        member_(member),
        width_(width) {}

  LoadedWeights load() {
    LoadedWeights out;
    out.weights.embedding = reader_.parameter(names_.embedding);
    out.weights.final_norm = norm(names_.final_norm);
    if (!plan_.tied_embeddings) reader_.note(names_.head + ".weight");
    if (plan_.head_bias) reader_.note(names_.head + ".bias");
    reader_.finish();
    for (std::size_t i = 0; i < plan_.layers.size(); ++i) {
      layer_ = LayerId(static_cast<std::int32_t>(i));
      out.weights.layers.push_back(layer(plan_.layers[i]));
      reader_.finish();  // layer by layer: what was read to be unpacked is not kept longer
    }
    out.hashes = std::move(reader_.hashes());
    out.bytes_read = reader_.bytes_read();
    return out;
  }

 private:
  std::string full(std::string const& name) const { return layer_tensor(plan_, layer_, name); }
  LinearWeights linear(std::string const& module, bool bias) { return reader_.linear({full(module)}, bias); }

  NormWeights norm(std::string const& module) {
    NormWeights out{reader_.parameter(module + ".weight"), {}};
    if (plan_.norm.layer_norm) out.bias = reader_.parameter(module + ".bias");
    return out;
  }

  MlpWeights mlp(std::string const& gate, std::string const& up, std::string const& down) {
    return {reader_.linear({full(gate), full(up)}, false), linear(down, false)};
  }

  AttentionWeights attention(AttentionSpec const& spec) {
    AttentionWeights out;
    if (spec.latent) {
      bool const low_rank = spec.latent->q_rank > 0;
      if (low_rank) {
        out.q_a = linear(names_.q_a, spec.bias);
        out.q_a_norm = reader_.parameter(full(names_.q_a_norm));
      }
      out.q_b = linear(low_rank ? names_.q_b : names_.q, false);
      out.kv_a = linear(names_.kv_a, spec.bias);
      out.kv_a_norm = reader_.parameter(full(names_.kv_a_norm));
      out.kv_b = linear(names_.kv_b, false);
    } else {
      out.qkv = reader_.linear({full(names_.q), full(names_.k), full(names_.v)}, spec.bias);
    }
    out.out = linear(names_.o, spec.out_bias);
    if (spec.qk_norm != QkNorm::none) {
      out.q_norm = reader_.parameter(full(names_.q_norm));
      out.k_norm = reader_.parameter(full(names_.k_norm));
    }
    if (spec.sinks) out.sinks = reader_.parameter(full(names_.sinks));
    return out;
  }

  // Row e of a tensor of all experts, as it is stored.
  torch::Tensor row(std::string const& name, std::int32_t e, torch::Dtype dtype) {
    auto out = reader_.empty(reader_.row_shape(full(name)), dtype);
    reader_.row(full(name), e, out);
    return out;
  }
  // The same with the first axis gate, up, gate, up, ... turned to gate first.
  torch::Tensor gate_first(std::string const& name, std::int32_t e, torch::Dtype dtype) {
    auto out = reader_.empty(reader_.row_shape(full(name)), dtype);
    reader_.row(full(name), e, out.unflatten(0, {2, -1}).transpose(0, 1));
    return out;
  }

  MlpWeights expert(std::int32_t e, MoeSpec const& spec) {
    auto const& both = names_.expert_gate_up;
    auto const& down = names_.expert_down_all;
    MlpWeights out;
    switch (names_.experts) {
      case ExpertLayout::separate: {
        auto const name = [&](std::string const& part) {
          return expert_tensor(plan_, layer_, part, ExpertId(e));
        };
        return {reader_.linear({name(names_.expert_gate), name(names_.expert_up)}, spec.bias, Owner::expert),
                reader_.linear({name(names_.expert_down)}, spec.bias, Owner::expert)};
      }
      case ExpertLayout::fused:
        return {{row(both, e, dtype_), {}, {}}, {row(down, e, dtype_), {}, {}}};
      case ExpertLayout::interleaved: {  // [H, 2 I] and [I, H] to rows by output
        auto const from = reader_.row_shape(full(both));
        out.gate_up.weight = reader_.empty({from[1], from[0]}, dtype_);
        reader_.row(full(both), e, out.gate_up.weight.unflatten(0, {2, -1}).permute({2, 1, 0}));
        out.down.weight = reader_.empty({from[0], from[1] / 2}, dtype_);
        reader_.row(full(down), e, out.down.weight.t());
        break;
      }
      case ExpertLayout::mxfp4:
        out.gate_up.packed = {gate_first(both + "_blocks", e, torch::kUInt8),
                              gate_first(both + "_scales", e, torch::kUInt8)};
        out.down.packed = {row(down + "_blocks", e, torch::kUInt8), row(down + "_scales", e, torch::kUInt8)};
        break;
    }
    if (spec.bias) {
      out.gate_up.bias = gate_first(both + "_bias", e, dtype_);
      out.down.bias = row(down + "_bias", e, dtype_);
    }
    return out;
  }

  MoeWeights moe(MoeSpec const& spec) {
    ExpertShare const share{spec.router.experts, width_};
    MoeWeights out;
    out.router = linear(names_.router, spec.router.bias);
    if (spec.router.correction_bias)
      out.correction_bias = reader_.wide_parameter(full(names_.correction_bias));
    out.first = share.first(member_);
    out.activation = spec.activation;
    for (auto e = out.first; e < share.first(member_ + 1); ++e)
      out.experts.push_back(expert(static_cast<std::int32_t>(e), spec));
    if (spec.shared) out.shared = mlp(names_.shared_gate, names_.shared_up, names_.shared_down);
    if (spec.shared && spec.shared->gated)
      out.shared_switch = reader_.parameter(full(names_.shared_switch + ".weight"));
    return out;
  }

  LayerWeights layer(LayerSpec const& spec) {
    LayerWeights out;
    out.input_norm = norm(full(names_.input_norm));
    out.post_norm = norm(full(names_.post_norm));
    out.attention = attention(spec.attention);
    if (auto const* sparse = spec.moe())
      out.feed_forward = moe(*sparse);
    else
      out.feed_forward = mlp(names_.dense_gate, names_.dense_up, names_.dense_down);
    return out;
  }

  ModelPlan const& plan_;
  WeightNames const& names_;
  TensorReader reader_;
  torch::Dtype dtype_;
  int member_, width_;
  LayerId layer_;
};

}  // namespace

LoadedWeights load_weights(ModelPlan const& plan, Checkpoint const& checkpoint, torch::Dtype dtype,
                           int member, int width) {
  return Loader(plan, checkpoint, dtype, member, width).load();
}

std::int64_t resident_bytes(ModelPlan const& plan, std::int64_t element_bytes, int width) {
  auto const experts = plan.router().experts;
  ExpertShare const share{experts, width};
  std::int64_t most = 0;
  for (int m = 0; m < width; ++m) most = std::max(most, share.first(m + 1) - share.first(m));
  std::int64_t bytes = 0;
  for (auto const& spec : tensor_specs(plan)) {
    if (is_head(plan, spec)) continue;                        // recording needs no output head
    if (spec.expert && spec.expert->value >= most) continue;  // every expert of a layer has one shape
    bytes += spec.elements() * (spec.per_expert ? most : 1) *
             (spec.kind == TensorSpec::Kind::packed ? 1 : element_bytes);
  }
  return bytes;
}

}  // namespace moerae
