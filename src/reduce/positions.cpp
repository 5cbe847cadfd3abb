#include "moerae/reduce/positions.hpp"

#include "moerae/base/check.hpp"

namespace moerae {

Positions parse_positions(std::string const& name) {
  static Positions const table[] = {
      {"content", {false, true, true}},
      {"prompt", {false, true, false}},
      {"response", {false, false, true}},
      {"all", {true, true, true}},
      {"last", {}, true},
  };
  std::string known;
  for (auto const& row : table) {
    if (row.name == name) return row;
    known += (known.empty() ? "" : ", ") + row.name;
  }
  throw ConfigError(fmt::format("contrast.positions = {}: unknown; known are {}", name, known));
}

}  // namespace moerae
