#pragma once

#include <vector>

#include "moerae/evaluate/options.hpp"
#include "moerae/keys/key.hpp"

namespace moerae {

[[nodiscard]] std::vector<Key<EvaluateOptions>> evaluate_keys();

}  // namespace moerae
