#pragma once

#include <filesystem>
#include <string>

namespace moerae {

/// [model] and [grid]: which checkpoint, computed how.
struct ModelOptions {
  std::filesystem::path path;
  std::filesystem::path adapter;      ///< of `tune`; empty: none
  double adapter_scale = 1;           ///< how much of it
  std::string dtype = "auto";         ///< auto (that of the checkpoint) | float32 | bfloat16
  std::string device = "auto";        ///< auto | cpu; cuda is refused until it works
  std::string schedule = "resident";  ///< resident; layer-major is refused until it works
};

struct GridOptions {
  int expert = 1;                     ///< ranks of one expert group; data width = ranks / expert
  std::string exchange = "dispatch";  ///< dispatch; gather is refused until it works
};

}  // namespace moerae
