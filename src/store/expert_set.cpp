#include "moerae/store/expert_set.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <tuple>

#include "moerae/base/check.hpp"
#include "moerae/store/publish.hpp"
#include "store/control_sets.hpp"

namespace moerae::store {

namespace {

using Json = nlohmann::ordered_json;
constexpr auto schema = "moerae.expert_set/1";

double merit(double score, Side side) {
  return side == Side::positive ? score : side == Side::negative ? -score : std::abs(score);
}

auto rank_key(ScoredExpert const& e, Side side) {
  return std::tuple(-merit(e.score, side), e.layer, e.expert);
}

std::string name_of(ScoredExpert const& e) {
  return fmt::format("layer {} expert {}", e.layer.value, e.expert.value);
}

/// What is wrong with the members; empty when nothing is.
std::string fault_of_members(std::vector<ScoredExpert> const& experts) {
  std::set<std::pair<LayerId, ExpertId>> seen;
  for (std::size_t i = 0; i < experts.size(); ++i) {
    auto const& e = experts[i];
    auto const where = fmt::format("experts[{}] ({})", i, name_of(e));
    if (e.layer.value < 0 || e.expert.value < 0) return where + ": ids count from 0";
    if (!std::isfinite(e.score)) return where + ": the score is not finite";
    if (e.frequency && !(*e.frequency >= 0 && *e.frequency <= 1))
      return where + ": the frequency is not in 0..1";
    if (!seen.emplace(e.layer, e.expert).second) return where + ": listed twice";
  }
  for (auto const side : {Side::positive, Side::negative, Side::both}) {
    auto const before = [&](auto const& a, auto const& b) { return rank_key(a, side) < rank_key(b, side); };
    if (std::is_sorted(experts.begin(), experts.end(), before)) return "";
  }
  return "the experts are not ordered best first (by score, falling, rising or by magnitude) with ties by "
         "layer, then "
         "expert";
}

std::string fault(ExpertSet const& set) {
  for (auto wrong : {fault_of_members(set.experts), fault_of_controls(set), fault_of_evidence(set.evidence)})
    if (!wrong.empty()) return wrong;
  return "";
}

ScoredExpert member(Json const& row) {
  ScoredExpert e;
  e.layer = LayerId(read_id(row.at("layer"), "layer"));
  e.expert = ExpertId(read_id(row.at("expert"), "expert"));
  e.score = row.at("score").get<double>();
  if (row.contains("frequency")) e.frequency = row["frequency"].get<double>();
  return e;
}

ExpertSet parse(Json const& json) {
  validate<DataError>(json.is_object(), "expected an object");
  auto const found = json.at("schema").get<std::string>();
  validate<DataError>(found == schema, "schema {}, expected {}", found, schema);
  ExpertSet set;
  json.at("name").get_to(set.name);
  json.at("criterion").get_to(set.criterion);
  json.at("model").get_to(set.model);
  set.provenance = json.value("provenance", Json::object());
  auto const& rows = json.at("experts");
  validate<DataError>(rows.is_array(), "`experts` must be a list");
  for (auto const& row : rows) {
    try {
      set.experts.push_back(member(row));
    } catch (std::exception const& error) {
      throw DataError(fmt::format("experts[{}]: {}", set.experts.size(), error.what()));
    }
  }
  set.controls = read_controls(json);
  set.evidence = json.value("evidence", Json::object());
  auto const wrong = fault(set);
  validate<DataError>(wrong.empty(), "{}", wrong);
  return set;
}

}  // namespace

void sort_best_first(std::vector<ScoredExpert>& experts, Side side) {
  std::sort(experts.begin(), experts.end(),
            [side](auto const& a, auto const& b) { return rank_key(a, side) < rank_key(b, side); });
}

ExpertSet read_expert_set(std::filesystem::path const& path) {
  auto const text = read_text(path);
  try {
    return parse(Json::parse(text));
  } catch (std::exception const& error) {
    throw DataError(
        fmt::format("{}: not an expert set ({}); write it again with `moerae reduce`, or correct it",
                    path.string(), error.what()));
  }
}

void write_expert_set(std::filesystem::path const& path, ExpertSet const& set) {
  auto const wrong = fault(set);
  expect(wrong.empty(), "expert set {}: {}", set.name, wrong);
  Json json = {{"schema", schema}, {"name", set.name}, {"criterion", set.criterion}, {"model", set.model}};
  json["provenance"] = set.provenance;
  json["experts"] = Json::array();
  for (auto const& e : set.experts) {
    Json row = {{"layer", e.layer.value}, {"expert", e.expert.value}, {"score", e.score}};
    if (e.frequency) row["frequency"] = *e.frequency;
    json["experts"].push_back(std::move(row));
  }
  if (!set.evidence.empty()) json["evidence"] = set.evidence;
  auto text = json.dump(1);
  text.insert(text.size() - 2, controls_text(set.controls));  // before "\n}"
  write_text(path, text + "\n");
}

}  // namespace moerae::store
