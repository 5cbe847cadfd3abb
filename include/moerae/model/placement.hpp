#pragma once

#include <torch/types.h>

namespace moerae {

/// Where weights lie and what is computed with them: dtype of all but packed weights and the correction bias.
struct Placement {
  torch::Device device = torch::kCPU;
  torch::Dtype dtype = torch::kFloat32;
};

}  // namespace moerae
