#include "moerae/model/weight_reader.hpp"

#include "model/tensor_reader.hpp"
#include "moerae/base/check.hpp"
#include "moerae/model/tensor_specs.hpp"

namespace moerae {
namespace {

NormWeights norm(TensorReader& reader, ModelPlan const& plan, std::string const& module) {
  NormWeights out{reader.parameter(module + ".weight"), {}};
  if (plan.norm.layer_norm) out.bias = reader.parameter(module + ".bias");
  return out;
}

// Asks for the tensors of one layer.
class LayerReader {
 public:
  LayerReader(TensorReader& reader, ModelPlan const& plan, ExpertShare mine, LayerId layer)
      : reader_(reader), plan_(plan), names_(plan.names), mine_(mine), layer_(layer) {}

  LayerWeights read() {
    auto const& spec = plan_.layers[static_cast<std::size_t>(layer_.value)];
    LayerWeights out;
    out.input_norm = norm(reader_, plan_, full(names_.input_norm));
    out.post_norm = norm(reader_, plan_, full(names_.post_norm));
    out.attention = attention(spec.attention);
    if (auto const* sparse = spec.moe())
      out.feed_forward = moe(*sparse);
    else
      out.feed_forward = mlp(names_.dense_gate, names_.dense_up, names_.dense_down);
    return out;
  }

 private:
  std::string full(std::string const& name) const { return layer_tensor(plan_, layer_, name); }
  LinearWeights linear(std::string const& module, bool bias) { return reader_.linear({full(module)}, bias); }

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

  MoeWeights moe(MoeSpec const& spec) {
    MoeWeights out;
    out.router = linear(names_.router, spec.router.bias);
    if (spec.router.correction_bias)
      out.correction_bias = reader_.wide_parameter(full(names_.correction_bias));
    out.first = mine_.begin();
    out.activation = spec.activation;
    for (auto e = mine_.begin(); e < mine_.end(); ++e)
      out.experts.push_back(reader_.expert(layer_, ExpertId(static_cast<std::int32_t>(e))));
    if (spec.shared) out.shared = mlp(names_.shared_gate, names_.shared_up, names_.shared_down);
    if (spec.shared && spec.shared->gated)
      out.shared_switch = reader_.parameter(full(names_.shared_switch + ".weight"));
    return out;
  }

  TensorReader& reader_;
  ModelPlan const& plan_;
  WeightNames const& names_;
  ExpertShare mine_;
  LayerId layer_;
};

}  // namespace

WeightReader::WeightReader(ModelPlan const& plan, Checkpoint const& checkpoint, Placement place,
                           ExpertShare mine)
    : plan_(plan),
      mine_(mine),
      reader_(std::make_unique<TensorReader>(plan, checkpoint, place, /*hashes_common=*/mine.member == 0)) {}

WeightReader::~WeightReader() = default;

CommonWeights WeightReader::common(Head head) {
  auto const& names = plan_.names;
  CommonWeights out;
  out.embedding = reader_->parameter(names.embedding);
  out.final_norm = norm(*reader_, plan_, names.final_norm);
  if (head == Head::keep) {
    out.head.weight = plan_.tied_embeddings ? out.embedding : reader_->parameter(names.head + ".weight");
    if (plan_.head_bias) out.head.bias = reader_->parameter(names.head + ".bias");
  } else {
    if (!plan_.tied_embeddings) reader_->note(names.head + ".weight");
    if (plan_.head_bias) reader_->note(names.head + ".bias");
  }
  reader_->finish();
  return out;
}

LayerWeights WeightReader::layer(LayerId id) {
  auto out = LayerReader(*reader_, plan_, mine_, id).read();
  reader_->finish();  // what was read to be unpacked is not kept longer
  return out;
}

std::map<std::string, std::string> const& WeightReader::hashes() const {
  return reader_->hashes();
}

std::int64_t WeightReader::bytes_read() const {
  return reader_->bytes_read();
}

}  // namespace moerae
