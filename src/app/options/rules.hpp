#pragma once

#include <map>
#include <set>
#include <string>

#include "app/options/faults.hpp"
#include "app/study.hpp"

namespace moerae {

/// Which keys the user wrote, and which of them have no value that could be read.
struct GivenKeys {
  std::map<std::string, std::string> origin;  ///< key -> where
  std::set<std::string> faulty;               ///< already reported; their fields hold defaults
};

/// Fills in what one key decides about another (ses.preset, the groups of a selection), where it was not
/// given.
void resolve(Study& study, GivenKeys const& given);

/// Combinations of keys that contradict each other.
void check_rules(Study const& study, GivenKeys const& given, StudyFaults& faults);

}  // namespace moerae
