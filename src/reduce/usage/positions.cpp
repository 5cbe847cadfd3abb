#include "reduce/usage/positions.hpp"

#include "moerae/attribute/options.hpp"
#include "moerae/base/check.hpp"
#include "moerae/reduce/names.hpp"

namespace moerae {

namespace {

Positions const table[] = {
    {"content", {false, true, true}},
    {"template", {true, false, false}},
    {"prompt", {false, true, false}},
    {"response", {false, false, true}},
    {"prefill", {true, true, false}},
    {"all", {true, true, true}},
    {"last", {}, true},
};

}  // namespace

std::vector<std::string> const& position_names() {
  static auto const names = [] {
    std::vector<std::string> all;
    for (auto const& row : table) all.push_back(row.name);
    return all;
  }();
  return names;
}

Positions parse_positions(std::string const& key, std::string const& name) {
  for (auto const& row : table)
    if (row.name == name) return {row.name, row.classes, row.last, key, {}};
  for (auto const& [word, which] : causal_words)
    if (word == name) return {name, {}, false, key, name};
  throw ConfigError(
      fmt::format("{} = {}: unknown; known are {}", key, name, fmt::join(position_names(), ", ")));
}

}  // namespace moerae
