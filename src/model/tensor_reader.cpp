#include "tensor_reader.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <cstring>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

torch::Dtype torch_dtype(StoredTensor const& tensor) {
  static constexpr std::array<std::pair<std::string_view, torch::Dtype>, 5> known{
      {{"F32", torch::kFloat32},
       {"BF16", torch::kBFloat16},
       {"F16", torch::kFloat16},
       {"F8_E4M3", torch::kFloat8_e4m3fn},
       {"U8", torch::kUInt8}}};
  for (auto const& [name, dtype] : known)
    if (tensor.dtype == name) return dtype;
  throw DataError(fmt::format("{}: dtype {} cannot be computed with", tensor.file->string(), tensor.dtype));
}

std::string hash_of(std::string const& name, StoredTensor const& tensor) {
  auto const head = fmt::format("{}\n{}\n{}\n", name, tensor.dtype, fmt::join(tensor.shape, ","));
  auto const seed = XXH3_64bits(head.data(), head.size());
  auto const hash = XXH3_128bits_withSeed(tensor.bytes.data(), tensor.bytes.size(), seed);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace

torch::Tensor TensorReader::stored(std::string const& name, StoredTensor const& tensor, bool hash) {
  if (hash) hashes_[name] = hash_of(name, tensor);
  bytes_read_ += static_cast<std::int64_t>(tensor.bytes.size());
  auto raw = torch::empty(tensor.shape, torch::TensorOptions().dtype(torch_dtype(tensor)));
  std::memcpy(raw.data_ptr(), tensor.bytes.data(), tensor.bytes.size());  // the mapping need not be aligned
  return raw;
}

void TensorReader::note(std::string const& name) {
  if (hashes_common_) hashes_[name] = hash_of(name, checkpoint_.at(name));
}

torch::Tensor TensorReader::parameter(std::string const& name, Owner owner) {
  return stored(name, checkpoint_.at(name), owner == Owner::expert || hashes_common_).to(dtype_);
}

torch::Tensor TensorReader::wide_parameter(std::string const& name) {
  return stored(name, checkpoint_.at(name), hashes_common_).to(torch::kFloat32);
}

torch::Tensor TensorReader::row(std::string const& name, std::int64_t index, bool raw) {
  auto part = checkpoint_.at(name);
  auto const rows = static_cast<std::size_t>(part.shape.front());
  part.bytes = part.bytes.subspan(static_cast<std::size_t>(index) * (part.bytes.size() / rows),
                                  part.bytes.size() / rows);
  part.shape.erase(part.shape.begin());
  auto const out = stored(fmt::format("{}[{}]", name, index), part, true);
  return raw ? out : out.to(dtype_);
}

LinearWeights TensorReader::linear(std::string const& module, bool bias, Owner owner) {
  LinearWeights out;
  TensorSpec const spec{module + ".weight", {}, TensorSpec::Kind::linear};
  bool const hash = owner == Owner::expert || hashes_common_;
  if (checkpoint_.is_block_fp8(plan_, spec)) {
    auto const values = stored(spec.name, checkpoint_.at(spec.name), hash);
    auto const scale_name = spec.name + "_scale_inv";
    out.weight = unpack_block_fp8(values, stored(scale_name, checkpoint_.at(scale_name), hash), dtype_);
  } else {
    out.weight = parameter(spec.name, owner);
  }
  if (bias) out.bias = parameter(module + ".bias", owner);
  return out;
}

}  // namespace moerae
