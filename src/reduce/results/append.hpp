#pragma once

#include <vector>

namespace moerae {

/// What tiles of layers give, one behind the other.
template <class T>
void append(std::vector<T>& all, std::vector<T> const& part) {
  all.insert(all.end(), part.begin(), part.end());
}

}  // namespace moerae
