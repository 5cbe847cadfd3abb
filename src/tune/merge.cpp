#include "moerae/tune/merge.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>

#include "moerae/base/check.hpp"
#include "moerae/model/expert_views.hpp"
#include "moerae/model/weight_reader.hpp"
#include "moerae/store/content_hash.hpp"
#include "moerae/tune/apply_adapter.hpp"

namespace moerae {
namespace fs = std::filesystem;
namespace {

std::string hash(std::byte const* data, std::size_t n) {
  return store::text_hash({reinterpret_cast<char const*>(data), n});
}

torch::Dtype dtype_of(StoredTensor const& stored) {
  if (stored.dtype == "F32") return torch::kFloat32;
  if (stored.dtype == "BF16") return torch::kBFloat16;
  expect(stored.dtype == "F16", "{} is no dtype of plain weights", stored.dtype);
  return torch::kFloat16;
}

void check_plain(ModelPlan const& plan) {
  validate<ConfigError>(
      plan.quantisation.packing == Packing::plain && plan.names.experts != ExpertLayout::mxfp4,
      "the checkpoint has packed experts ({}), which would have to be packed anew, and that changes more "
      "than was trained; use the adapter itself (model.adapter)",
      plan.quantisation.method);
}

// What the file has for a view, by the layout of the checkpoint.
std::span<std::byte const> place_of(StoredTensor const& stored, ExpertView const& view) {
  if (!view.row) return stored.bytes;
  auto const size = stored.bytes.size() / static_cast<std::size_t>(stored.shape.front());
  return stored.bytes.subspan(size * static_cast<std::size_t>(*view.row), size);
}

// The experts of one layer, each read by itself in float32, where a bfloat16 stays what it is.
LayerWeights read_expert(ModelSource const& model, store::ExpertKey const& key) {
  auto const experts = model.plan.router().experts;
  WeightReader reader(model.plan, model.checkpoint, {torch::kCPU, torch::kFloat32},
                      {experts, static_cast<int>(experts), key.expert.value});
  return reader.layer(key.layer);
}

void add_expert(Patches& patches, ModelSource const& model, store::AdapterReader const& adapter,
                std::size_t i) {
  auto const key = adapter.info().experts[i];
  auto layer = read_expert(model, key);
  auto& expert = std::get<MoeWeights>(layer.feed_forward).experts.front();
  auto const views = expert_views(model.plan, key.layer, key.expert, expert);
  for (auto const& [map, weight] :
       {std::pair("gate_up", expert.gate_up.weight), std::pair("down", expert.down.weight)})
    weight.add_(added_weight(adapter, map, i, weight.size(0), weight.size(1)));
  for (auto const& view : views) {
    auto const& stored = model.checkpoint.at(view.tensor);
    auto const values = view.view.to(dtype_of(stored)).contiguous();
    auto const was = place_of(stored, view);
    ensure(static_cast<std::size_t>(values.nbytes()) == was.size(), "{}: {} bytes for {}", view.tensor,
           values.nbytes(), was.size());
    auto const* data = static_cast<std::byte const*>(values.const_data_ptr());
    if (std::memcmp(data, was.data(), was.size()) == 0) continue;
    patches[stored.file->path()].push_back({view.tensor, key, stored.file->offset_of(was),
                                            std::vector(data, data + was.size()),
                                            hash(was.data(), was.size()), hash(data, was.size())});
  }
}

void link_or_copy(fs::path const& from, fs::path const& to) {
  std::error_code error;
  if (from.extension() == ".safetensors") {
    fs::create_hard_link(fs::canonical(from), to, error);
    if (!error) return;
  }
  fs::copy_file(from, to);
}

void write_patched(fs::path const& from, fs::path const& to, std::vector<Patch> const& patches) {
  fs::copy_file(from, to);
  fs::permissions(to, fs::perms::owner_write, fs::perm_options::add);
  std::fstream file(to, std::ios::in | std::ios::out | std::ios::binary);
  for (auto const& patch : patches) {
    file.seekp(static_cast<std::streamoff>(patch.offset));
    file.write(reinterpret_cast<char const*>(patch.bytes.data()),
               static_cast<std::streamsize>(patch.bytes.size()));
  }
  file.close();
  validate<Error>(!file.fail(), "{}: cannot be written; is the disk full?", to.string());
}

// Equal but for the patches, which are there.
void check_patched(fs::path const& from, fs::path const& to, std::vector<Patch> patches) {
  std::ranges::sort(patches, {}, &Patch::offset);
  std::ifstream a(from, std::ios::binary), b(to, std::ios::binary);
  std::vector<char> x, y;
  auto const read = [&](std::size_t n) {
    x.resize(n);
    y.resize(n);
    a.read(x.data(), static_cast<std::streamsize>(n));
    b.read(y.data(), static_cast<std::streamsize>(n));
    validate<Error>(!a.fail() && !b.fail(), "{}: ends before {} does", to.string(), from.string());
  };
  constexpr std::size_t block = 1U << 24;
  std::size_t at = 0;
  auto const equal_until = [&](std::size_t end) {
    for (; at < end; at += x.size()) {
      read(std::min(block, end - at));
      validate<Error>(x == y, "{}: differs from {} near byte {}, where nothing was trained; not kept",
                      to.string(), from.string(), at);
    }
  };
  for (auto const& patch : patches) {
    equal_until(patch.offset);
    read(patch.bytes.size());
    validate<Error>(std::memcmp(y.data(), patch.bytes.data(), y.size()) == 0,
                    "{}: {} is not what was written", to.string(), patch.tensor);
    at += y.size();
  }
  equal_until(fs::file_size(from));
  validate<Error>(fs::file_size(to) == fs::file_size(from), "{}: longer than {}", to.string(), from.string());
}

}  // namespace

Patches merged_bytes(ModelSource const& model, store::AdapterReader const& adapter) {
  check_plain(model.plan);
  Patches patches;
  for (std::size_t i = 0; i < adapter.info().experts.size(); ++i) {
    check_expert(model.plan, adapter, i);
    add_expert(patches, model, adapter, i);
  }
  return patches;
}

void write_merged(fs::path const& from, fs::path const& to, Patches const& patches) {
  fs::create_directories(to);
  std::size_t patched = 0;
  for (auto const& entry : fs::directory_iterator(from)) {
    if (!fs::is_regular_file(entry.status())) continue;  // links are followed
    auto const target = to / entry.path().filename();
    auto const found = patches.find(entry.path());
    if (found == patches.end()) {
      link_or_copy(entry.path(), target);
    } else {
      write_patched(entry.path(), target, found->second);
      check_patched(entry.path(), target, found->second);
      ++patched;
    }
  }
  ensure(patched == patches.size(), "{}: {} of {} files with trained experts were found", from.string(),
         patched, patches.size());
}

}  // namespace moerae
