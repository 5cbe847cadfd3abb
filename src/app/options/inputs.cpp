#include "app/options/inputs.hpp"

#include "app/options/keys.hpp"
#include "moerae/base/check.hpp"

namespace moerae {
namespace {

using Json = nlohmann::ordered_json;

Json selections(Study const& study) {
  auto all = Json::array();
  for (auto const& select : study.select) {
    Json one{{"name", select.name}};
    for (auto const& key : select_keys()) one[key.name] = key.json(select);
    all.push_back(one);
  }
  return all;
}

bool selects(Stages stage) {
  for (auto const& key : select_keys())
    if (key.use.bits & stage) return true;
  return false;
}

}  // namespace

Json inputs_of(Stages stage, Study const& study, int method, Json const& resolved) {
  Json inputs;
  for (auto const& key : study_keys()) {
    if (!(key.use.bits & stage)) continue;
    bool const stands_for_a_path = *key.use.input != '\0';
    std::string const name = stands_for_a_path ? key.use.input : key.name;
    expect(!stands_for_a_path || resolved.contains(name), "{}: what lies there is not known", key.name);
    if (stands_for_a_path && resolved.at(name).is_null()) continue;  // nothing is there
    inputs[name] = resolved.contains(name) ? resolved.at(name) : Json(key.json(study));
  }
  if (selects(stage)) inputs["select"] = selections(study);
  if (method > 1) inputs["method"] = method;
  return inputs;
}

bool can_be_of(Json const& theirs, Stages stage, Study const& study, int method) {
  if (theirs.value("method", 1) != method) return false;
  for (auto const& key : study_keys()) {
    if (!(key.use.bits & stage) || *key.use.input != '\0') continue;
    Json const mine = key.json(study);
    if (mine != "auto" && (!theirs.contains(key.name) || theirs.at(key.name) != mine)) return false;
  }
  return true;
}

void keep_possible(std::vector<store::StageDir>& found, Stages stage, Study const& study, int method) {
  if (found.size() < 2) return;
  std::erase_if(found, [&](auto const& one) { return !can_be_of(one.inputs, stage, study, method); });
}

}  // namespace moerae
