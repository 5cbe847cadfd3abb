#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/study.hpp"
#include "moerae/keys/stages.hpp"

namespace moerae {

/// The study as an INI with every key; read_study gives the same study back.
[[nodiscard]] std::string print_study(Study const& study);

/// All keys with help, expectation and default value, as an INI that can be read back.
[[nodiscard]] std::string print_defaults();

/// {section: {key: value}}, selections under "select": {NAME: {key: value}}. Keys are sorted, so that the
/// text of equal studies is equal.
[[nodiscard]] nlohmann::json study_json(Study const& study);

/// The value of each of `keys`, one a line. Throws ConfigError for one that this study does not have, with
/// the nearest that it has.
[[nodiscard]] std::string print_values(Study const& study, std::vector<std::string> const& keys);

/// Help text of the keys that one of `stages` reads.
[[nodiscard]] std::string print_keys(Stages stages);

}  // namespace moerae
