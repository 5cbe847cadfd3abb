#include "moerae/record/shard_writer.hpp"

#include <algorithm>
#include <numeric>

#include "moerae/base/check.hpp"
#include "moerae/corpus/corpus.hpp"
#include "moerae/store/file.hpp"
#include "moerae/store/publish.hpp"
#include "record/half.hpp"

namespace moerae {
namespace {

using Shape = std::vector<std::uint64_t>;

// How many layers share a chunk. Statistics read usage by layer, for all prompts; routing is read by tiles of
// layers, but also whole for single tokens.
constexpr std::uint64_t layers_of_usage = 1, layers_of_routing = 4;

// Chunks of `layers` entries of axis `layer_axis`, of whole other trailing axes, and of as many leading rows
// as make about 128 KiB.
store::Layout packed(Shape const& shape, std::size_t element, std::size_t layer_axis, std::uint64_t layers) {
  store::Layout layout;
  layout.chunk = shape;
  layout.chunk[layer_axis] = std::min(layers, shape[layer_axis]);
  auto const row = std::accumulate(layout.chunk.begin() + 1, layout.chunk.end(),
                                   static_cast<std::uint64_t>(element), std::multiplies<>());
  if (shape[0] == 0 || row == 0) return {};
  layout.chunk[0] = std::clamp<std::uint64_t>((std::uint64_t{1} << 17) / row, 1, shape[0]);
  layout.deflate = 1;
  layout.shuffle = element > 1;
  return layout;
}

template <class T>
void write_usage_of(store::File& file, std::string const& name, std::vector<T> const& values,
                    Shape const& shape) {
  file.write(name, values, shape, packed(shape, sizeof(T), 2, layers_of_usage));
}

template <class T>
void write_tokens(store::File& file, std::string const& name, std::vector<T> const& values,
                  Shape const& shape) {
  file.write(name, values, shape, packed(shape, sizeof(T), 1, layers_of_routing));
}

void write_floats(store::File& file, std::string const& name, std::vector<float> const& values,
                  Shape const& shape, std::string const& precision) {
  if (precision == "float32") return write_tokens(file, name, values, shape);
  expect(precision == "float16", "unknown precision {}", precision);
  std::vector<store::Half> halves(values.size());
  std::ranges::transform(values, halves.begin(), half_of);
  write_tokens(file, name, halves, shape);
}

std::vector<std::int32_t> up_to(std::int32_t n) {
  std::vector<std::int32_t> out(static_cast<std::size_t>(n));
  std::iota(out.begin(), out.end(), 0);
  return out;
}

void write_usage(store::File& file, ShardRecord const& r, Shape const& shape) {
  write_usage_of(file, "usage/count", r.count, shape);
  write_usage_of(file, "usage/gate_mass", r.mass, shape);
  file.set_attribute("usage/gate_mass", "unit", std::string("2^-32"));
  file.write("usage/tokens", r.tokens, {shape[0], shape[1]});
  for (auto const* name : {"usage/count", "usage/gate_mass"}) {
    file.attach_scale(name, 0, "prompt_id", "prompt");
    file.attach_scale(name, 1, "class", "class");
    file.attach_scale(name, 2, "layer", "layer");
    file.attach_scale(name, 3, "expert", "expert");
  }
  file.attach_scale("usage/tokens", 0, "prompt_id", "prompt");
  file.attach_scale("usage/tokens", 1, "class", "class");
  if (r.largest.empty()) return;
  file.write("usage/largest_output", r.largest, {shape[2], shape[3]});
  file.attach_scale("usage/largest_output", 0, "layer", "layer");
  file.attach_scale("usage/largest_output", 1, "expert", "expert");
}

void write_routing(store::File& file, ShardRecord const& r, std::string const& precision) {
  auto const tokens = static_cast<std::uint64_t>(r.offset.back()),
             layers = static_cast<std::uint64_t>(r.space.layers.size());
  file.write("routing/offset", r.offset, {r.offset.size()});
  if (!r.expert.empty()) {
    Shape const shape{tokens, layers, static_cast<std::uint64_t>(r.space.top_k)};
    if (r.space.experts <= 256)
      write_tokens(file, "routing/expert", std::vector<std::uint8_t>(r.expert.begin(), r.expert.end()),
                   shape);
    else
      write_tokens(file, "routing/expert", r.expert, shape);
    write_floats(file, "routing/weight", r.weight, shape, precision);
    for (auto const* name : {"routing/expert", "routing/weight"})
      file.attach_scale(name, 1, "layer", "layer");
  }
  if (!r.logits.empty()) {
    write_floats(file, "routing/logits", r.logits,
                 {tokens, layers, static_cast<std::uint64_t>(r.space.experts)}, precision);
    file.attach_scale("routing/logits", 1, "layer", "layer");
    file.attach_scale("routing/logits", 2, "expert", "expert");
  }
  if (!r.last_logits.empty()) {
    write_floats(file, "routing/last_logits", r.last_logits,
                 {r.prompt_id.size(), layers, static_cast<std::uint64_t>(r.space.experts)}, precision);
    file.attach_scale("routing/last_logits", 0, "prompt_id", "prompt");
    file.attach_scale("routing/last_logits", 1, "layer", "layer");
    file.attach_scale("routing/last_logits", 2, "expert", "expert");
  }
}

}  // namespace

std::string shard_file_name(std::int32_t shard) {
  return fmt::format("shard-{:06d}.h5", shard);
}

void write_shard(std::filesystem::path const& path, ShardRecord const& record, std::string const& precision,
                 store::Provenance const& provenance, std::function<void(store::File&)> const& more) {
  store::publish(path, [&](std::filesystem::path const& temporary) {
    auto file = store::File::create(temporary);
    store::write_provenance(file, provenance);
    file.set_attribute("/", "experts", record.space.experts);
    file.set_attribute("/", "top_k", record.space.top_k);
    Shape const shape{record.prompt_id.size(), position_class_names.size(), record.space.layers.size(),
                      static_cast<std::uint64_t>(record.space.experts)};
    file.write("prompt_id", record.prompt_id, {shape[0]});
    file.write("class", up_to(static_cast<std::int32_t>(shape[1])), {shape[1]});
    file.set_attribute("class", "categories",
                       std::vector<std::string>(position_class_names.begin(), position_class_names.end()));
    file.write("layer", record.space.layers, {shape[2]});
    file.write("expert", up_to(record.space.experts), {shape[3]});
    write_usage(file, record, shape);
    if (!record.expert.empty() || !record.logits.empty() || !record.last_logits.empty())
      write_routing(file, record, precision);
    if (more) more(file);
    store::mark_complete(file);
    file.close();
  });
}

}  // namespace moerae
