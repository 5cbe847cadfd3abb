#include "moerae/model/expert_share.hpp"

namespace moerae {

int ExpertShare::owner(std::int64_t expert) const {
  auto of = static_cast<int>(expert * width / experts);
  while (first(of + 1) <= expert) ++of;  // the estimate is never too large
  return of;
}

}  // namespace moerae
