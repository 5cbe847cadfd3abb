#include "model/tensor_reader.hpp"

#define XXH_INLINE_ALL
#include <ATen/Parallel.h>
#include <sys/mman.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>

#include "model/stored_dtype.hpp"
#include "moerae/base/check.hpp"
#include "moerae/model/expert_views.hpp"

namespace moerae {
namespace {

constexpr std::size_t piece = 1 << 18;  // read at once, and hashed and converted while in the cache
constexpr std::size_t huge_page = 2 << 20;
constexpr std::int64_t block_bytes = 32 << 20;  // memory that many tensors share

// A page fault per 4 KiB costs more than reading them; a kernel without huge pages just declines.
torch::Tensor huge(std::int64_t bytes, torch::Device device) {
  auto out = torch::empty({bytes}, torch::TensorOptions().dtype(torch::kUInt8).device(device));
  if (!device.is_cpu()) return out;
  auto const start = reinterpret_cast<std::uintptr_t>(out.data_ptr());
  auto const first = (start + huge_page - 1) & ~(huge_page - 1), end = start + out.nbytes();
  if (first < end) ::madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
  return out;
}

torch::Dtype dtype_of(StoredTensor const& tensor) {
  auto const known = known_dtype(tensor.dtype);
  validate<DataError>(known.has_value(), "{}: dtype {} cannot be computed with", tensor.file->path().string(),
                      tensor.dtype);
  return *known;
}

// XXH3-128 of the bytes, seeded by name, dtype and shape
class Hasher {
 public:
  Hasher(std::string const& name, StoredTensor const& tensor) {
    auto const head = fmt::format("{}\n{}\n{}\n", name, tensor.dtype, fmt::join(tensor.shape, ","));
    XXH3_INITSTATE(&state_);
    XXH3_128bits_reset_withSeed(&state_, XXH3_64bits(head.data(), head.size()));
  }
  void add(std::byte const* bytes, std::size_t size) { XXH3_128bits_update(&state_, bytes, size); }
  [[nodiscard]] std::string text() const {
    auto const hash = XXH3_128bits_digest(&state_);
    return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
  }

 private:
  XXH3_state_t state_;
};

}  // namespace

torch::Tensor TensorReader::empty(std::vector<std::int64_t> const& shape, torch::Dtype dtype) {
  auto const count = std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
  auto const bytes = count * static_cast<std::int64_t>(torch::elementSize(dtype));
  if (bytes > block_bytes / 4) return huge(bytes, place_.device).view(dtype).view(shape);
  if (!block_.defined() || used_ + bytes > block_bytes) {
    block_ = huge(block_bytes, place_.device);
    used_ = 0;
  }
  auto const out = block_.narrow(0, used_, bytes).view(dtype).view(shape);
  used_ += (bytes + 63) / 64 * 64;
  return out;
}

void TensorReader::read(std::string name, StoredTensor const& tensor, torch::Tensor const& to, bool hash) {
  bytes_read_ += static_cast<std::int64_t>(tensor.bytes.size());
  jobs_.push_back({std::move(name), tensor, dtype_of(tensor), to, hash, {}});
}

void TensorReader::run(Job& job, std::vector<std::byte>& buffer) {
  auto const& [name, tensor, dtype, to, hash, result] = job;
  bool const direct = to.defined() && to.is_cpu() && to.is_contiguous() && to.scalar_type() == dtype;
  // pieces of whole rows of `to`, so that any order of its elements can be filled one after another
  bool const by_rows = !direct && to.defined() && to.dim() > 0;
  auto const row_bytes = tensor.bytes.size() / static_cast<std::size_t>(by_rows ? to.size(0) : 1);
  auto const step = by_rows ? std::max<std::size_t>(piece / row_bytes, 1) * row_bytes : piece;
  if (!direct) buffer.resize(std::max(buffer.size(), std::min(step, tensor.bytes.size())));
  Hasher hasher(name, tensor);
  for (std::size_t at = 0; at < tensor.bytes.size(); at += step) {
    auto const part = tensor.bytes.subspan(at, std::min(step, tensor.bytes.size() - at));
    auto* const bytes = direct ? static_cast<std::byte*>(to.data_ptr()) + at : buffer.data();
    tensor.file->copy(part, bytes);
    if (hash) hasher.add(bytes, part.size());
    if (direct || !to.defined()) continue;
    auto const slot = by_rows ? to.narrow(0, static_cast<std::int64_t>(at / row_bytes),
                                          static_cast<std::int64_t>(part.size() / row_bytes))
                              : to;
    slot.copy_(torch::from_blob(bytes, slot.sizes(), torch::TensorOptions().dtype(dtype)));
  }
  if (hash) job.result = hasher.text();
}

void TensorReader::finish() {
  std::ranges::sort(jobs_, [](Job const& a,
                              Job const& b) {  // a disk and the kernel's read-ahead like this order
    return std::pair(a.tensor.file, a.tensor.bytes.data()) < std::pair(b.tensor.file, b.tensor.bytes.data());
  });
  at::parallel_for(0, static_cast<std::int64_t>(jobs_.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::byte> buffer;
    for (auto i = begin; i < end; ++i) run(jobs_[static_cast<std::size_t>(i)], buffer);
  });
  for (auto& job : jobs_)
    if (job.hash) hashes_[job.name] = std::move(job.result);
  jobs_.clear();
  for (auto const& step : afterwards_) step();
  afterwards_.clear();
}

void TensorReader::note(std::string const& name) {
  if (hashes_common_) read(name, checkpoint_.at(name), {}, true);
}

torch::Tensor TensorReader::whole(std::string const& name, bool hash, torch::Dtype dtype) {
  auto const& tensor = checkpoint_.at(name);
  auto out = empty(tensor.shape, dtype);
  read(name, tensor, out, hash);
  return out;
}

torch::Tensor TensorReader::parameter(std::string const& name) {
  return whole(name, hashes_common_, place_.dtype);
}

torch::Tensor TensorReader::wide_parameter(std::string const& name) {
  return whole(name, hashes_common_, torch::kFloat32);
}

void TensorReader::fill(std::string const& name, torch::Tensor const& to, bool hash) {
  auto const* const shape = checkpoint_.packed(name);
  if (!shape) return read(name, checkpoint_.at(name), to, hash);
  QuantisedWeight weight{plan_.quantisation, shape->at(0), shape->at(1), {}};
  for (auto const& part : packed_tensors(weight.how, weight.out, weight.in))
    weight.parts.push_back(whole(module_of(name) + std::string(part.suffix), hash,
                                 part.dtype.empty() ? torch::kFloat32 : torch_dtype(part.dtype)));
  afterwards_.push_back([=, this] {
    check(weight, name);
    to.copy_(weight.unpack(to.scalar_type()));
  });
}

// Numbers of a file that are used as indices, or say what is known already.
void TensorReader::check(QuantisedWeight const& weight, std::string const& name) const {
  auto const& file =
      checkpoint_.at(module_of(name) + std::string(packed_tensors(weight.how, 1, 1)[0].suffix));
  if (weight.how.packing == Packing::gptq || weight.how.packing == Packing::gptq_v2) {
    auto const& group = weight.parts[3];
    validate<DataError>(
        group.min().item<std::int64_t>() >= 0 && group.max().item<std::int64_t>() < weight.parts[2].size(0),
        "{}: {}: g_idx names a group that scales does not have", file.file->path().string(), name);
  }
  if (weight.how.packing == Packing::int4)
    validate<DataError>(weight.parts[2][0].item<std::int64_t>() == weight.out &&
                            weight.parts[2][1].item<std::int64_t>() == weight.in,
                        "{}: {}: weight_shape is not [{}, {}]", file.file->path().string(), name, weight.out,
                        weight.in);
}

void TensorReader::fill_row(std::string const& name, std::int64_t index, torch::Tensor const& to, bool hash) {
  auto part = checkpoint_.at(name);
  auto const size = part.bytes.size() / static_cast<std::size_t>(part.shape.front());
  part.bytes = part.bytes.subspan(static_cast<std::size_t>(index) * size, size);
  part.shape.erase(part.shape.begin());
  read(fmt::format("{}[{}]", name, index), part, to, hash);
}

torch::Tensor TensorReader::stacked(std::vector<std::string> const& modules, char const* part) {
  auto const shape_of = [&](std::string const& name) {
    auto const* const packed = checkpoint_.packed(name);
    return packed ? *packed : checkpoint_.at(name).shape;
  };
  auto shape = shape_of(modules.front() + part);
  shape.front() = 0;
  for (auto const& module : modules) shape.front() += shape_of(module + part).front();
  auto out = empty(shape, place_.dtype);
  std::int64_t first = 0;
  for (auto const& module : modules) {
    auto const name = module + part;
    auto const count = shape_of(name).front();
    fill(name, out.narrow(0, first, count), hashes_common_);
    first += count;
  }
  return out;
}

LinearWeights TensorReader::linear(std::vector<std::string> const& modules, bool bias) {
  LinearWeights out;
  out.weight = stacked(modules, ".weight");
  if (bias) out.bias = stacked(modules, ".bias");
  return out;
}

MlpWeights TensorReader::expert(LayerId layer, ExpertId expert) {
  auto out = empty_expert(
      plan_, layer, expert, place_.dtype,
      [this](auto const& shape, torch::Dtype dtype) { return empty(shape, dtype); },
      [this](std::string const& name) { return checkpoint_.packed(name) != nullptr; });
  for (auto const& [name, row, view] : expert_views(plan_, layer, expert, out)) {
    if (row)
      fill_row(name, *row, view, true);
    else if (view.scalar_type() == torch::kFloat8_e4m3fn)  // stays packed
      read(name, checkpoint_.at(name), view, true);
    else
      fill(name, view, true);
  }
  auto const check_later = [&](std::vector<QuantisedWeight> const& weights,
                               std::vector<std::string> const& modules) {
    for (std::size_t i = 0; i < weights.size(); ++i)
      afterwards_.push_back(
          [this, weight = weights[i], name = expert_tensor(plan_, layer, modules[i], expert) + ".weight"] {
            check(weight, name);
          });
  };
  check_later(out.gate_up.quantised, {plan_.names.expert_gate, plan_.names.expert_up});
  check_later(out.down.quantised, {plan_.names.expert_down});
  return out;
}

}  // namespace moerae
