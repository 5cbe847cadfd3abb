#include "moerae/reduce/usage/positions.hpp"

#include "moerae/base/check.hpp"

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

std::vector<std::string> position_names() {
  std::vector<std::string> names;
  for (auto const& row : table) names.push_back(row.name);
  return names;
}

Positions parse_positions(std::string const& key, std::string const& name) {
  for (auto const& row : table)
    if (row.name == name) return {row.name, row.classes, row.last, key};
  throw ConfigError(
      fmt::format("{} = {}: unknown; known are {}", key, name, fmt::join(position_names(), ", ")));
}

}  // namespace moerae
