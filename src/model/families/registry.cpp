#include <algorithm>
#include <array>

#include "model/families/family.hpp"

namespace moerae {

std::span<Family const> families() {
  static constexpr std::array table{
      Family{"deepseek", "DeepseekForCausalLM", plan_deepseek},
      Family{"deepseek_v2", "DeepseekV2ForCausalLM", plan_deepseek_v2},
      Family{"deepseek_v3", "DeepseekV3ForCausalLM", plan_deepseek_v3},
      Family{"dots1", "Dots1ForCausalLM", plan_dots1},
      Family{"glm4_moe", "Glm4MoeForCausalLM", plan_glm4_moe},
      Family{"glm4_moe_lite", "Glm4MoeLiteForCausalLM", plan_glm4_moe_lite},
      Family{"gpt_oss", "GptOssForCausalLM", plan_gpt_oss},
      Family{"granitemoe", "GraniteMoeForCausalLM", plan_granitemoe},
      Family{"minimax_m2", "MiniMaxM2ForCausalLM", plan_minimax_m2},
      Family{"mixtral", "MixtralForCausalLM", plan_mixtral},
      Family{"olmoe", "OlmoeForCausalLM", plan_olmoe},
      Family{"phimoe", "PhimoeForCausalLM", plan_phimoe},
      Family{"qwen2_moe", "Qwen2MoeForCausalLM", plan_qwen2_moe},
      Family{"qwen3_moe", "Qwen3MoeForCausalLM", plan_qwen3_moe},
  };
  return table;
}

std::string_view family_of(std::string_view model_type) {
  struct Alias {
    std::string_view model_type, family;
  };
  static constexpr std::array aliases{
      Alias{"kimi_k2", "deepseek_v3"},  // its own configuration_deepseek.py: DeepseekV3Config renamed
  };
  auto const alias = std::ranges::find(aliases, model_type, &Alias::model_type);
  return alias == aliases.end() ? model_type : alias->family;
}

}  // namespace moerae
