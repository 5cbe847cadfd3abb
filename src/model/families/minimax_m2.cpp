// MiniMax-M2: norms over the whole projections of q and k, `rotary_dim` of a head rotated, sigmoid router
// with a correction bias and weights in float32, names of Mixtral. Reference: transformers models/minimax_m2.

#include "model/families/parts.hpp"

namespace moerae {

void plan_minimax_m2(Config const& config, ModelPlan& plan) {
  plan.norm.eps = config.number("rms_norm_eps", 1e-6);
  double share = 1;
  if (config.has("rotary_dim"))
    share = static_cast<double>(config.integer("rotary_dim", 1)) /
            static_cast<double>(config.integer("head_dim", 2));
  auto attention =
      plain_attention(config, plan, KvHeads::required, {.theta = 5e6, .partial = share, .scaling = {}});
  attention.qk_norm = QkNorm::whole_projection;

  MoeSpec moe;
  moe.router = plain_router(config);
  moe.router.score = RouterSpec::Score::sigmoid;
  moe.router.renormalise = true;
  moe.router.correction_bias = true;
  moe.router.float32_weights = true;  // the reference does not cast them back
  push_sparse_blocks(config, attention, moe, plan);
  plan.names.correction_bias = "block_sparse_moe.e_score_correction_bias";
}

}  // namespace moerae
