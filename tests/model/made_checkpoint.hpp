#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "moerae/model/safetensors.hpp"

namespace moerae::test {

struct MadeTensor {
  std::string dtype;
  std::vector<std::int64_t> shape;
  [[nodiscard]] std::size_t bytes() const {
    auto out = safetensors_size(dtype);
    for (auto const extent : shape) out *= static_cast<std::size_t>(extent);
    return out;
  }
};
using MadeTensors = std::map<std::string, MadeTensor>;

/// What a sound checkpoint of the plan holds.
inline MadeTensors made_tensors(ModelPlan const& plan, std::string const& dtype = "BF16") {
  MadeTensors out;
  for (auto const& spec : tensor_specs(plan))
    out[spec.name] = {spec.kind == TensorSpec::Kind::packed ? "U8" : dtype, spec.shape};
  return out;
}

/// Puts what the plan packs linear weights in, in their place.
inline void pack(ModelPlan const& plan, MadeTensors& tensors) {
  if (plan.quantisation.packing == Packing::plain) return;
  for (auto const& spec : tensor_specs(plan)) {
    if (spec.kind != TensorSpec::Kind::linear) continue;
    tensors.erase(spec.name);
    for (auto const& [suffix, dtype, shape] : packed_tensors(plan.quantisation, spec.shape[0], spec.shape[1]))
      tensors[module_of(spec.name) + std::string(suffix)] = {std::string(dtype.empty() ? "F32" : dtype),
                                                             shape};
  }
}

inline std::string header_of(MadeTensors const& tensors) {
  nlohmann::json out = nlohmann::json::object();
  std::size_t at = 0;
  for (auto const& [name, tensor] : tensors) {
    out[name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {at, at + tensor.bytes()}}};
    at += tensor.bytes();
  }
  return out.dump();
}

/// A sound file of these tensors. The bytes are pseudo-random, but as BF16, F32 or F8_E4M3 all are
/// finite and small.
inline void write_safetensors(std::filesystem::path const& path, MadeTensors const& tensors) {
  auto const header = header_of(tensors);
  std::uint64_t const length = header.size();
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<char const*>(&length), 8);
  file << header;
  std::uint64_t state = 1;
  std::vector<std::uint32_t> words;
  for (auto const& [name, tensor] : tensors) {
    auto left = tensor.bytes();
    while (left > 0) {
      words.resize(std::min<std::size_t>((left + 3) / 4, 1 << 18));
      for (auto& word : words) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        word = (static_cast<std::uint32_t>(state >> 32) & 0x80778077U) | 0x3C003C00U;
      }
      auto const size = std::min(left, words.size() * 4);
      file.write(reinterpret_cast<char const*>(words.data()), static_cast<std::streamsize>(size));
      left -= size;
    }
  }
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

}  // namespace moerae::test
