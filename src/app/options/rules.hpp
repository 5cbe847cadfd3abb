#pragma once

#include <map>
#include <set>
#include <string>

#include "app/study.hpp"
#include "moerae/base/faults.hpp"

namespace moerae {

/// Which keys the user wrote, and which of them have no value that could be read.
struct GivenKeys {
  std::map<std::string, std::string> origin;  ///< key -> where
  std::set<std::string> faulty;               ///< already reported; their fields hold defaults
};

/// Fills in what one key decides about another (ses.preset, the groups of a selection), where it was not
/// given.
void resolve(Study& study, GivenKeys const& given);

/// What contradicts each other in the keys of different stages.
void check_rules(Study const& study, Faults& faults);

}  // namespace moerae
