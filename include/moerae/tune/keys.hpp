#pragma once

#include <vector>

#include "moerae/keys/key.hpp"
#include "moerae/tune/options.hpp"

namespace moerae {

[[nodiscard]] std::vector<Key<TuneOptions>> tune_keys();

}  // namespace moerae
