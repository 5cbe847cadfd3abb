#include "moerae/store/stage_dir.hpp"

#include <algorithm>

#include "moerae/base/check.hpp"
#include "moerae/store/content_hash.hpp"
#include "moerae/store/publish.hpp"

namespace moerae::store {

namespace {

using Json = nlohmann::ordered_json;
constexpr auto schema = "moerae.stage/1";

std::string quoted(std::string const& text) {
  return nlohmann::json(text).dump(-1, ' ', true);
}

/// Nothing there but, perhaps, what a killed writer of stage.json left.
bool is_free(std::filesystem::path const& folder) {
  if (!std::filesystem::exists(folder)) return true;
  if (!std::filesystem::is_directory(folder)) return false;
  auto const entries = std::filesystem::directory_iterator(folder);
  return std::all_of(begin(entries), end(entries),
                     [](auto const& entry) { return is_temporary(entry.path()); });
}

}  // namespace

std::string canonical_dump(Json const& inputs) {
  std::string text;
  if (inputs.is_object()) {
    std::vector<std::string> keys;
    for (auto const& [key, value] : inputs.items()) keys.push_back(key);
    std::sort(keys.begin(), keys.end());  // bytes of UTF-8 order like code points
    for (auto const& key : keys) {
      text += (text.empty() ? "" : ", ") + quoted(key) + ": " + canonical_dump(inputs.at(key));
    }
    return "{" + text + "}";
  }
  if (inputs.is_array()) {
    for (auto const& value : inputs) text += (text.empty() ? "" : ", ") + canonical_dump(value);
    return "[" + text + "]";
  }
  return inputs.dump(-1, ' ', true);
}

std::string inputs_hash(Json const& inputs) {
  return text_hash(canonical_dump(inputs));
}

StageDir read_stage(std::filesystem::path const& folder) {
  auto const path = folder / "stage.json";
  StageDir stage;
  stage.path = folder;
  stage.exists = true;
  try {
    auto json = Json::parse(read_text(path));
    auto const found = json.at("schema").get<std::string>();
    validate<DataError>(found == schema, "schema {}, expected {}", found, schema);
    json.at("stage").get_to(stage.stage);
    json.at("hash").get_to(stage.hash);
    stage.inputs = json.at("inputs");
    validate<DataError>(stage.inputs.is_object(), "`inputs` must be an object");
    for (auto const* const key : {"schema", "stage", "hash", "inputs"}) json.erase(key);
    stage.extra = json;
  } catch (std::exception const& error) {
    throw DataError(
        fmt::format("{}: not the description of a stage ({}); what the files beside it depend on is unknown; "
                    "restore it, or remove the folder and repeat the command",
                    path.string(), error.what()));
  }
  return stage;
}

StageDir find_stage(std::filesystem::path const& run, std::string const& stage, Json const& inputs) {
  auto const hash = inputs_hash(inputs);
  auto const plain = run / stage;
  auto const hashed = run / fmt::format("{}-{}", stage, hash.substr(0, 8));
  for (auto const& folder : {plain, hashed}) {
    if (!std::filesystem::exists(folder / "stage.json")) continue;
    auto found = read_stage(folder);
    if (found.hash == hash) return found;
    validate<DataError>(folder == plain,
                        "{}: holds the stage {}, not {}; remove the folder or choose another run",
                        folder.string(), found.hash, hash);
  }
  return {stage, is_free(plain) ? plain : hashed, hash, inputs, Json::object(), false};
}

void create_stage(StageDir& stage) {
  Json json = {{"schema", schema}, {"stage", stage.stage}, {"hash", stage.hash}, {"inputs", stage.inputs}};
  for (auto const& [key, value] : stage.extra.items()) json[key] = value;
  auto const path = stage.path / "stage.json";
  auto const text = json.dump() + "\n";
  if (!stage.exists || read_text(path) != text) write_text(path, text);
  stage.exists = true;
}

std::vector<StageDir> list_stages(std::filesystem::path const& run, std::string const& stage) {
  std::vector<StageDir> found;
  if (!std::filesystem::is_directory(run)) return found;
  for (auto const& entry : std::filesystem::directory_iterator(run)) {
    if (!std::filesystem::exists(entry.path() / "stage.json")) continue;
    auto read = read_stage(entry.path());
    if (stage.empty() || read.stage == stage) found.push_back(std::move(read));
  }
  std::sort(found.begin(), found.end(), [](auto const& a, auto const& b) { return a.path < b.path; });
  return found;
}

}  // namespace moerae::store
