#include "model/stored_dtype.hpp"

#include <array>
#include <utility>

#include "moerae/base/check.hpp"

namespace moerae {

std::optional<torch::Dtype> known_dtype(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, torch::Dtype>, 7> known{
      {{"F32", torch::kFloat32},
       {"BF16", torch::kBFloat16},
       {"F16", torch::kFloat16},
       {"F8_E4M3", torch::kFloat8_e4m3fn},
       {"U8", torch::kUInt8},
       {"I32", torch::kInt32},
       {"I64", torch::kInt64}}};
  for (auto const& [one, dtype] : known)
    if (name == one) return dtype;
  return std::nullopt;
}

torch::Dtype torch_dtype(std::string_view name) {
  auto const dtype = known_dtype(name);
  expect(dtype.has_value(), "dtype {} is not known", name);
  return *dtype;
}

}  // namespace moerae
