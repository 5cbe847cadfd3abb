#pragma once

#include <string>
#include <vector>

namespace moerae {

/// How the routed experts of a layer lie in the checkpoint. K experts, H hidden, I intermediate.
enum class ExpertLayout {
  separate,     ///< gate [I, H], up [I, H], down [H, I] of each expert
  fused,        ///< gate_up [K, 2 I, H] gate rows first, down [K, H, I]
  interleaved,  ///< gate_up [K, H, 2 I] with gate and up columns in turn, down [K, I, H]; biases [K, 2 I],
                ///< [K, H]
  mxfp4  ///< as interleaved but output-major in 4-bit blocks: blocks [K, 2 I, H / 32, 16], scales [K, 2 I, H
         ///< / 32]
};

/// What else files call a part of a name: `other` stands there for `ours`.
struct Spelling {
  std::string other, ours;
  bool operator==(Spelling const&) const = default;
};

/// Names of the tensors in a checkpoint; `{expert}` is replaced. Those below `layer` follow
/// "<layer><index>.". Modules are named without ".weight" and ".bias", parameters in full.
struct WeightNames {
  std::string embedding = "model.embed_tokens.weight";
  std::string final_norm = "model.norm";
  std::string head = "lm_head";
  std::string layer = "model.layers.";
  std::string input_norm = "input_layernorm", post_norm = "post_attention_layernorm";
  // attention
  std::string q = "self_attn.q_proj", k = "self_attn.k_proj", v = "self_attn.v_proj", o = "self_attn.o_proj";
  std::string q_norm = "self_attn.q_norm.weight", k_norm = "self_attn.k_norm.weight";
  std::string sinks = "self_attn.sinks";
  std::string q_a = "self_attn.q_a_proj", q_a_norm = "self_attn.q_a_layernorm.weight",
              q_b = "self_attn.q_b_proj";
  std::string kv_a = "self_attn.kv_a_proj_with_mqa", kv_a_norm = "self_attn.kv_a_layernorm.weight",
              kv_b = "self_attn.kv_b_proj";
  // feed-forward
  std::string dense_gate = "mlp.gate_proj", dense_up = "mlp.up_proj", dense_down = "mlp.down_proj";
  std::string router = "mlp.gate";
  std::string correction_bias = "mlp.gate.e_score_correction_bias";
  ExpertLayout experts = ExpertLayout::separate;
  std::string expert_gate = "mlp.experts.{expert}.gate_proj", expert_up = "mlp.experts.{expert}.up_proj",
              expert_down = "mlp.experts.{expert}.down_proj";  // separate
  std::string expert_gate_up = "mlp.experts.gate_up_proj",
              expert_down_all = "mlp.experts.down_proj";  // the others; of separate ones: as transformers 5
                                                          // fuses them, see Checkpoint::fit
  /// Where the model of transformers (5) keeps the experts, whatever the file calls them: a module with the
  /// parameters gate_up_proj and down_proj, or, with `{expert}`, one for each with three linear modules.
  std::string experts_module = "mlp.experts";
  std::string shared_gate = "mlp.shared_experts.gate_proj", shared_up = "mlp.shared_experts.up_proj",
              shared_down = "mlp.shared_experts.down_proj";
  std::string shared_switch = "mlp.shared_expert_gate";  ///< of a gated shared expert
  /// Replaced one after another in every name of a file, as transformers' conversion_mapping does the other
  /// way round.
  std::vector<Spelling> spellings;
  std::vector<std::string> extras;  ///< tensors that may be present and are not used; `*` stands for anything
  bool operator==(WeightNames const&) const = default;
};

}  // namespace moerae
