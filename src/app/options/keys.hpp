#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/study.hpp"
#include "moerae/keys/key.hpp"
#include "moerae/reduce/plan/keys.hpp"

namespace moerae {

/// Every key of the fixed sections, in the order in which they are printed.
[[nodiscard]] std::vector<Key<Study>> const& study_keys();

/// The names of the keys that `stage` cannot do without.
[[nodiscard]] std::vector<std::string> required_keys(Stages stage);

/// A key that is gone.
struct FormerKey {
  std::string_view name;
  std::string_view instead;  ///< what takes its place
};
[[nodiscard]] std::vector<FormerKey> const& former_keys();

/// A key of formats section 6 whose stage or method this version does not have.
struct LaterKey {
  std::string_view name;
  std::string_view part;  ///< what it belongs to
};
[[nodiscard]] std::vector<LaterKey> const& later_keys();

}  // namespace moerae
