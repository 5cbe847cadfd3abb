#include "moerae/tune/merged_parts.hpp"

#include <fmt/ranges.h>

#include <cstring>
#include <functional>
#include <numeric>

#include "moerae/base/check.hpp"
#include "moerae/model/expert_views.hpp"
#include "moerae/store/content_hash.hpp"
#include "moerae/tune/apply_adapter.hpp"

namespace moerae {
namespace {

torch::Dtype dtype_of(StoredTensor const& stored) {
  if (stored.dtype == "F32") return torch::kFloat32;
  if (stored.dtype == "BF16") return torch::kBFloat16;
  expect(stored.dtype == "F16", "{} is no dtype of plain weights", stored.dtype);
  return torch::kFloat16;
}

// What the file has for a view, by the layout of the checkpoint.
std::span<std::byte const> place_of(StoredTensor const& stored, ExpertView const& view) {
  if (!view.row) return stored.bytes;
  auto const size = stored.bytes.size() / static_cast<std::size_t>(stored.shape.front());
  return stored.bytes.subspan(size * static_cast<std::size_t>(*view.row), size);
}

// The tensor of the file that these bytes are of: it may be one that the checkpoint was cut from.
MergedPart part_at(StoredTensor const& stored, std::span<std::byte const> bytes, store::ExpertKey expert) {
  for (auto const& [name, whole] : stored.file->tensors()) {
    if (bytes.data() < whole.bytes.data() || bytes.data() >= whole.bytes.data() + whole.bytes.size())
      continue;
    auto const size = static_cast<std::int64_t>(safetensors_size(whole.dtype));
    MergedPart part;
    part.tensor = name;
    part.index = ranges_of(whole.shape, (bytes.data() - whole.bytes.data()) / size,
                           static_cast<std::int64_t>(bytes.size()) / size);
    part.dtype = whole.dtype;
    for (auto const& range : part.index)
      if (!range.single) part.shape.push_back(range.end - range.begin);
    part.shape.insert(part.shape.end(), whole.shape.begin() + static_cast<std::ptrdiff_t>(part.index.size()),
                      whole.shape.end());
    part.expert = expert;
    part.file = stored.file->path();
    part.offset = stored.file->offset_of(bytes);
    part.bytes = bytes.size();
    return part;
  }
  ensure(false, "{}: no tensor there", stored.file->path().string());
  return {};
}

void merge_expert(ModelSource const& model, store::AdapterReader const& adapter, std::size_t i,
                  MergedSink const& sink) {
  auto const key = adapter.info().experts[i];
  auto expert = empty_expert(
      model.plan, key.layer, key.expert, torch::kFloat32,
      [](auto const& shape, torch::Dtype dtype) { return torch::empty(shape, dtype); },
      [](std::string const&) { return false; });
  auto const views = expert_views(model.plan, key.layer, key.expert, expert);
  std::vector<std::vector<std::byte>> were;
  for (auto const& view : views) {
    auto const& stored = model.checkpoint.at(view.tensor);
    auto const place = place_of(stored, view);
    auto& was = were.emplace_back(place.size());
    stored.file->copy(place, was.data());
    view.view.copy_(torch::from_blob(was.data(), view.view.sizes(), dtype_of(stored)));
  }
  for (auto const& [map, weight] :
       {std::pair("gate_up", expert.gate_up.weight), std::pair("down", expert.down.weight)})
    weight.add_(added_weight(adapter, map, i, weight.size(0), weight.size(1)));
  for (std::size_t v = 0; v < views.size(); ++v) {
    auto const& [name, row, view] = views[v];
    auto const& was = were[v];
    auto const& stored = model.checkpoint.at(name);
    auto const values = view.to(dtype_of(stored)).contiguous();
    std::span const bytes(static_cast<std::byte const*>(values.const_data_ptr()), values.nbytes());
    ensure(bytes.size() == was.size(), "{}: {} bytes for {}", name, bytes.size(), was.size());
    if (std::memcmp(bytes.data(), was.data(), was.size()) == 0) continue;
    auto part = part_at(stored, place_of(stored, views[v]), key);
    part.before = store::bytes_hash(was);
    part.after = store::bytes_hash(bytes);
    sink(part, bytes);
  }
}

}  // namespace

std::vector<IndexRange> ranges_of(std::vector<std::int64_t> const& shape, std::int64_t first,
                                  std::int64_t count) {
  auto inside = std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
  std::vector<IndexRange> out;
  for (auto const extent : shape) {
    if (count == inside) break;
    inside /= extent;
    auto const begin = first / inside, end = begin + std::max<std::int64_t>(count / inside, 1);
    first %= inside;
    out.push_back({begin, end, count <= inside});
    if (count > inside) {
      expect(first == 0 && count % inside == 0 && end <= extent, "{} elements are no range of [{}]", count,
             fmt::join(shape, ", "));
      return out;
    }
  }
  expect(first == 0 && count == inside, "{} elements are no range of [{}]", count, fmt::join(shape, ", "));
  return out;
}

std::string MergedPart::spelled() const {
  std::vector<std::string> axes;
  for (auto const& [begin, end, single] : index)
    axes.push_back(single ? std::to_string(begin) : fmt::format("{}:{}", begin, end));
  return axes.empty() ? tensor : fmt::format("{}[{}]", tensor, fmt::join(axes, ", "));
}

void check_mergeable(ModelPlan const& plan) {
  validate<ConfigError>(
      plan.quantisation.packing == Packing::plain && plan.names.experts != ExpertLayout::mxfp4,
      "export.format: the checkpoint has packed experts ({}), which would have to be packed anew, and that "
      "changes more than was trained; use the adapter itself (model.adapter){}",
      plan.quantisation.method, plan.names.experts == ExpertLayout::mxfp4 ? ", or export.format = peft" : "");
}

void for_merged_parts(ModelSource const& model, store::AdapterReader const& adapter, MergedSink const& sink) {
  for (std::size_t i = 0; i < adapter.info().experts.size(); ++i) {
    check_expert(model.plan, adapter, i);
    merge_expert(model, adapter, i, sink);
  }
}

std::vector<MergedPart> merged_parts(ModelSource const& model, store::AdapterReader const& adapter) {
  std::vector<MergedPart> out;
  for_merged_parts(model, adapter, [&](MergedPart const& part, auto) { out.push_back(part); });
  validate<ConfigError>(!out.empty(),
                        "{}: it changes no weight of the checkpoint: what was trained is nothing, or less "
                        "than the rounding of its dtype; train longer, or at a larger tune.learning_rate",
                        adapter.path().string());
  return out;
}

}  // namespace moerae
