#include <array>

#include "model/families/family.hpp"

namespace moerae {

std::span<Family const> families() {
  static constexpr std::array table{
      Family{"deepseek", plan_deepseek},
      Family{"deepseek_v2", plan_deepseek_v2},
      Family{"deepseek_v3", plan_deepseek_v3, "fp8"},
      Family{"glm4_moe", plan_glm4_moe},
      Family{"gpt_oss", plan_gpt_oss, "mxfp4"},
      Family{"granitemoe", plan_granitemoe},
      Family{"mixtral", plan_mixtral},
      Family{"olmoe", plan_olmoe},
      Family{"phimoe", plan_phimoe},
      Family{"qwen2_moe", plan_qwen2_moe},
      Family{"qwen3_moe", plan_qwen3_moe},
  };
  return table;
}

}  // namespace moerae
