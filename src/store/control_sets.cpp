#include "store/control_sets.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "moerae/base/check.hpp"

namespace moerae::store {
namespace {

using Json = nlohmann::ordered_json;

ControlSet control(Json const& row) {
  ControlSet out;
  row.at("kind").get_to(out.kind);
  for (auto const& pair : row.at("experts")) {
    validate<DataError>(pair.is_array() && pair.size() == 2, "`experts` must be pairs [layer, expert]");
    out.experts.emplace_back(read_id(pair[0], "layer"), read_id(pair[1], "expert"));
  }
  auto const& ratio = row.at("ratio");
  validate<DataError>(ratio.is_object(), "`ratio` must be an object of numbers");
  for (auto const& [quantity, value] : ratio.items()) out.ratio.emplace_back(quantity, value.get<double>());
  row.at("matched").get_to(out.matched);
  return out;
}

std::string fault_of(ControlSet const& control, std::set<std::pair<LayerId, ExpertId>> const& taken) {
  if (std::ranges::find(control_kinds, control.kind) == std::end(control_kinds))
    return fmt::format("kind {} is unknown; known are {}", control.kind, fmt::join(control_kinds, ", "));
  if (control.experts.empty()) return "it has no experts";
  std::pair<LayerId, ExpertId> const* last = nullptr;
  for (auto const& expert : control.experts) {
    auto const& [layer, id] = expert;
    auto const name = fmt::format("layer {} expert {}", layer.value, id.value);
    if (layer.value < 0 || id.value < 0) return name + ": ids count from 0";
    if (taken.contains(expert)) return name + " is in the set itself";
    if (last != nullptr && !(*last < expert)) return name + " is listed twice or does not ascend";
    last = &expert;
  }
  for (auto const& [quantity, value] : control.ratio)
    if (!(std::isfinite(value) && value >= 0))
      return fmt::format("ratio of {} is no finite number from 0", quantity);
  return "";
}

/// Path to a number that is not finite; empty when all are.
std::string not_finite(Json const& value, std::string const& path) {
  if (value.is_number_float()) return std::isfinite(value.get<double>()) ? "" : path;
  if (!value.is_structured()) return "";
  for (auto const& [key, child] : value.items())
    if (auto found = not_finite(child, fmt::format("{}.{}", path, key)); !found.empty()) return found;
  return "";
}

}  // namespace

std::int32_t read_id(Json const& value, std::string_view what) {
  validate<DataError>(value.is_number_integer(), "`{}` must be an integer", what);
  auto const id = value.get<std::int64_t>();
  validate<DataError>(id >= 0 && id <= INT32_MAX, "`{}` is {}, expected 0 or more", what, id);
  return static_cast<std::int32_t>(id);
}

std::vector<ControlSet> read_controls(Json const& file) {
  std::vector<ControlSet> controls;
  if (!file.contains("controls")) return controls;
  validate<DataError>(file["controls"].is_array(), "`controls` must be a list");
  for (auto const& row : file["controls"]) {
    try {
      controls.push_back(control(row));
    } catch (std::exception const& error) {
      throw DataError(fmt::format("controls[{}]: {}", controls.size(), error.what()));
    }
  }
  return controls;
}

std::string controls_text(std::vector<ControlSet> const& controls) {
  std::string text;
  for (auto const& control : controls) {
    Json row = {{"kind", control.kind}, {"experts", Json::array()}, {"ratio", Json::object()}};
    for (auto const& [layer, expert] : control.experts)
      row["experts"].push_back(Json::array({layer.value, expert.value}));
    for (auto const& [quantity, value] : control.ratio) row["ratio"][quantity] = value;
    row["matched"] = control.matched;
    text += (text.empty() ? ",\n \"controls\": [\n  " : ",\n  ") + row.dump();
  }
  return text.empty() ? "" : text + "\n ]";
}

std::string fault_of_controls(ExpertSet const& set) {
  std::set<std::pair<LayerId, ExpertId>> taken;
  for (auto const& e : set.experts) taken.emplace(e.layer, e.expert);
  for (std::size_t i = 0; i < set.controls.size(); ++i)
    if (auto const wrong = fault_of(set.controls[i], taken); !wrong.empty())
      return fmt::format("controls[{}]: {}", i, wrong);
  return "";
}

std::string fault_of_evidence(Json const& evidence) {
  if (!evidence.is_object()) return "`evidence` must be an object";
  auto const where = not_finite(evidence, "evidence");
  return where.empty() ? "" : where + " is not a finite number";
}

}  // namespace moerae::store
