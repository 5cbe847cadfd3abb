#include "moerae/evaluate/condition.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "moerae/base/check.hpp"
#include "moerae/base/words.hpp"
#include "moerae/store/content_hash.hpp"

namespace moerae {
namespace {

constexpr Words<Action, 6> words{{{"none", Action::none},
                                  {"mask", Action::mask},
                                  {"steer+", Action::raise},
                                  {"steer-", Action::lower},
                                  {"force", Action::force},
                                  {"scale", Action::scale}}};

template <class T>
std::optional<T> number_in(std::string_view text) {
  T value{};
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

// Letters, digits and . _ + - as they are.
std::string plain(std::string text) {
  for (auto& c : text)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '_' && c != '+' && c != '-') c = '-';
  return text;
}

}  // namespace

std::string ConditionSpec::text() const {
  if (action == Action::none) return "none";
  return fmt::format("{}{}:{}{}", word_of(words, action),
                     action == Action::scale ? fmt::format("={}", factor) : "", set,
                     best ? fmt::format("@{}", *best) : "");
}

ConditionSpec parse_set(std::string const& text, Action action) {
  ConditionSpec spec{.action = action, .set = text};
  if (auto const at = text.rfind('@'); at != std::string::npos) {
    spec.best = number_in<std::int64_t>(std::string_view(text).substr(at + 1));
    validate<ConfigError>(spec.best && *spec.best >= 1, "the number behind @ is from 1");
    spec.set.resize(at);
  }
  validate<ConfigError>(!spec.set.empty(), "no set is named");
  return spec;
}

ConditionSpec parse_condition(std::string const& text) {
  auto const fail = [&](std::string_view why) {
    throw ConfigError(
        fmt::format("'{}': {}; a condition is none, mask:SET, steer+:SET, steer-:SET, force:SET "
                    "or scale=FACTOR:SET, with @N behind SET for its N best experts",
                    text, why));
  };
  if (text == "none") return {};
  ConditionSpec spec;
  auto const colon = text.find(':');
  if (colon == std::string::npos) fail("no set is named");
  auto word = text.substr(0, colon);
  spec.set = text.substr(colon + 1);
  if (auto const equals = word.find('='); equals != std::string::npos) {
    auto const factor = number_in<double>(std::string_view(word).substr(equals + 1));
    if (word.substr(0, equals) != "scale" || !factor || !std::isfinite(*factor) || *factor < 0)
      fail("a factor is a number from 0 behind scale=");
    spec.factor = *factor;
    word = "scale";
  } else if (word == "scale") {
    fail("scale needs a factor");
  }
  auto const row = std::ranges::find_if(words, [&](auto const& known) { return known.first == word; });
  if (row == std::end(words) || row->second == Action::none) fail("unknown");
  spec.action = row->second;
  try {
    auto const factor = spec.factor;
    spec = parse_set(spec.set, spec.action);
    spec.factor = factor;
  } catch (ConfigError const& error) {
    fail(error.what());
  }
  return spec;
}

std::string Condition::slug() const {
  if (spec.action == Action::none) return "none";
  auto named = spec;
  named.set = std::filesystem::path(spec.set).stem().string();
  auto const content = fmt::format("{} {}", spec.factor, json().at("experts").dump());
  return fmt::format("{}-{}{}", plain(named.text()), control ? fmt::format("control-{:03d}-", *control) : "",
                     store::text_hash(content).substr(0, 8));
}

nlohmann::ordered_json Condition::json() const {
  nlohmann::ordered_json out{{"text", spec.text()}, {"action", word_of(words, spec.action)}};
  if (spec.action == Action::scale) out["factor"] = spec.factor;
  if (spec.action != Action::none) out["set"] = spec.set;
  if (control) out["control"] = {{"number", *control}, {"kind", control_kind}};
  auto const pairs = [](auto const& of) {
    auto all = nlohmann::ordered_json::array();
    for (auto const& [layer, expert] : of) all.push_back({layer.value, expert.value});
    return all;
  };
  out["experts"] = pairs(experts);
  if (!supers.empty()) out["super_experts"] = pairs(supers);
  return out;
}

std::vector<Condition> with_controls(ConditionSpec const& spec, store::ExpertSet const& set,
                                     std::int64_t controls) {
  auto const n = spec.best.value_or(static_cast<std::int64_t>(set.experts.size()));
  validate<ConfigError>(n >= 1 && n <= static_cast<std::int64_t>(set.experts.size()),
                        "{}: the set {} has {} expert(s); nothing would be changed", spec.text(), set.name,
                        set.experts.size());
  Condition condition{spec};
  for (std::int64_t i = 0; i < n; ++i) {
    auto const& member = set.experts[static_cast<std::size_t>(i)];
    condition.experts.emplace_back(member.layer, member.expert);
  }
  std::ranges::sort(condition.experts);
  if (auto const supers = set.evidence.find("super_experts"); supers != set.evidence.end())
    for (auto const& one : *supers) {
      std::pair const named(LayerId(one.at(0).get<std::int32_t>()), ExpertId(one.at(1).get<std::int32_t>()));
      if (std::ranges::binary_search(condition.experts, named)) condition.supers.push_back(named);
    }
  std::vector<Condition> out{condition};
  if (spec.best || controls == 0) return out;
  std::int64_t matched = 0, number = 0;
  for (auto const& control : set.controls) {
    bool const of_matched = control.kind == store::control_kinds[0];
    if (of_matched && ++matched > controls) continue;
    out.push_back({spec, control.experts, number++, control.kind});
  }
  validate<ConfigError>(
      matched >= controls,
      "{}: the set {} has {} matched controls, {} are asked for: give reduce.controls at least as many, or "
      "evaluate.controls fewer",
      spec.text(), set.name, matched, controls);
  return out;
}

}  // namespace moerae
