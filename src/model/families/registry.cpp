#include <array>

#include "families/family.hpp"

namespace moerae {

std::span<Family const> families() {
  static constexpr std::array table{
      Family{"olmoe", plan_olmoe},
      Family{"qwen3_moe", plan_qwen3_moe},
  };
  return table;
}

}  // namespace moerae
