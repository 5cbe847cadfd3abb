#pragma once

#include <vector>

#include "moerae/attribute/options.hpp"
#include "moerae/keys/key.hpp"

namespace moerae {

[[nodiscard]] std::vector<Key<AttributeOptions>> attribute_keys();

}  // namespace moerae
