#include "moerae/reduce/positions.hpp"

#include "moerae/base/check.hpp"

namespace moerae {

Positions parse_positions(std::string const& key, std::string const& name) {
  static Positions const table[] = {
      {"prefill", {true, true, false}},
      {"template", {true, false, false}},
      {"content", {false, true, true}},
      {"prompt", {false, true, false}},
      {"response", {false, false, true}},
      {"all", {true, true, true}},
      {"last", {}, true},
  };
  std::string known;
  for (auto const& row : table) {
    if (row.name == name) return {row.name, row.classes, row.last, key};
    known += (known.empty() ? "" : ", ") + row.name;
  }
  throw ConfigError(fmt::format("{} = {}: unknown; known are {}", key, name, known));
}

}  // namespace moerae
