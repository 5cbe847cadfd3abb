#pragma once

#include <vector>

#include "moerae/keys/key.hpp"
#include "moerae/reduce/plan/options.hpp"

namespace moerae {

[[nodiscard]] std::vector<Key<SesOptions>> ses_keys();
[[nodiscard]] std::vector<Key<ContrastOptions>> contrast_keys();
[[nodiscard]] std::vector<Key<ReduceStageOptions>> reduce_keys();
/// Of a section [select.NAME].
[[nodiscard]] std::vector<Key<SelectOptions>> const& select_keys();

}  // namespace moerae
