#pragma once

#include <vector>

namespace moerae::detail {

/// Ascending; no value may be negative or NaN. Three passes of 11 bits over the bits of the floats, which are
/// ordered as their values are. `scratch` is overwritten.
void sort_magnitudes(std::vector<float>& values, std::vector<float>& scratch);

}  // namespace moerae::detail
