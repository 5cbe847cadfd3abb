#include "moerae/tune/delta.hpp"

#include <nlohmann/json.hpp>
#include <set>

#include "moerae/store/publish.hpp"
#include "moerae/store/safetensors_writer.hpp"

namespace moerae {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

constexpr char const* how_to_apply =
    "For every key of `tensors`: in the checkpoint, put the tensor that expert_delta.safetensors has under "
    "the key in the place `tensor`, at `index` of its first axes where there is one (a number, or [begin, "
    "end)). Same dtype, nothing is added up. `before` and `after` are the XXH3-128 of the bytes of that "
    "place.";

Json index_of(MergedPart const& part) {
  auto out = Json::array();
  for (auto const& [begin, end, single] : part.index)
    out.push_back(single ? Json(begin) : Json::array({begin, end}));
  return out;
}

Json experts_of(std::vector<MergedPart> const& parts) {
  std::set<store::ExpertKey> keys;
  for (auto const& part : parts) keys.insert(part.expert);
  auto out = Json::object();
  for (auto const& [layer, expert] : keys) out[std::to_string(layer.value)].push_back(expert.value);
  return out;
}

Json describe(ModelSource const& model, std::vector<MergedPart> const& parts) {
  Json out{{"experts", experts_of(parts)},
           {"shared_experts", false},
           {"non_expert_modules", false},
           {"schema", "moerae.delta/1"},
           {"base", model.checkpoint.fingerprint()},
           {"how_to_apply", how_to_apply}};
  auto& tensors = out["tensors"] = Json::object();
  for (auto const& part : parts)
    tensors[part.spelled()] = {{"tensor", part.tensor},
                               {"index", index_of(part)},
                               {"file", part.file.filename().string()},
                               {"before", part.before},
                               {"after", part.after}};
  return out;
}

}  // namespace

std::vector<MergedPart> write_delta(ModelSource const& model, store::AdapterReader const& adapter,
                                    fs::path const& to) {
  check_mergeable(model.plan);
  auto parts = merged_parts(model, adapter);
  std::vector<store::SafetensorsEntry> entries;
  for (auto const& part : parts) entries.push_back({part.spelled(), part.dtype, part.shape, part.bytes});
  fs::create_directories(to);
  store::SafetensorsWriter file(to / delta_tensors, std::move(entries));
  for_merged_parts(model, adapter, [&](MergedPart const& part, std::span<std::byte const> bytes) {
    file.write(part.spelled(), bytes);
  });
  file.close();
  store::write_text(to / delta_description, describe(model, parts).dump(1) + "\n");
  return parts;
}

}  // namespace moerae
