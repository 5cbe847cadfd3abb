#pragma once

#include <string>
#include <vector>

namespace moerae {

class Attributions;

/// What there is to be reduced, before it is read.
struct Recorded {
  std::vector<std::string> sets = {};          ///< prompt sets; empty: all of the corpus
  bool routing = true;                         ///< of every token
  Attributions const* attributions = nullptr;  ///< of the same run; null: none
  bool attributions_to_come = false;           ///< it is too early to miss them
};

}  // namespace moerae
