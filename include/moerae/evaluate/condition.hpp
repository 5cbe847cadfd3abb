#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "moerae/base/ids.hpp"
#include "moerae/store/expert_set.hpp"

namespace moerae {

/// What is done to the experts of a set (RouterEdit has the rules).
enum class Action { none, mask, raise, lower, force, scale };

/// A condition as a study names it: none | mask:SET | steer+:SET | steer-:SET | force:SET | scale=FACTOR:SET,
/// with @N behind the set for its N best experts.
struct ConditionSpec {
  Action action = Action::none;
  double factor = 1;     ///< of scale
  std::string set = {};  ///< a name, or a path that ends in .json
  std::optional<std::int64_t> best = {};

  [[nodiscard]] std::string text() const;
  friend bool operator==(ConditionSpec const&, ConditionSpec const&) = default;
};

/// `action` on SET, or on the N best of SET@N. Throws ConfigError.
[[nodiscard]] ConditionSpec parse_set(std::string const& text, Action action);

/// Throws ConfigError that says what is known.
[[nodiscard]] ConditionSpec parse_condition(std::string const& text);

/// A condition with its experts, or one of its controls: other experts treated alike.
struct Condition {
  ConditionSpec spec;
  std::vector<std::pair<LayerId, ExpertId>> experts = {};  ///< ascending
  std::optional<std::int64_t> control = {};                ///< its number among those of the condition
  std::string control_kind = {};
  /// Those of its experts that the set names as super experts: what it does may be damage.
  std::vector<std::pair<LayerId, ExpertId>> supers = {};
  /// Of the folder: what it does and a hash of the experts it does it to, so that another set under the same
  /// name is another condition.
  [[nodiscard]] std::string slug() const;
  /// For the attribute `condition` of its files.
  [[nodiscard]] nlohmann::ordered_json json() const;
};

/// The condition that `spec` makes of `set`, and behind it at most `controls` of the set's matched controls
/// with all of its other kinds; none of a part of a set (@N) and none where controls = 0. Throws ConfigError
/// where the set has fewer experts than asked for or fewer matched controls.
[[nodiscard]] std::vector<Condition> with_controls(ConditionSpec const& spec, store::ExpertSet const& set,
                                                   std::int64_t controls);

}  // namespace moerae
