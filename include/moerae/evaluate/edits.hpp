#pragma once

#include <span>
#include <vector>

#include "moerae/evaluate/condition.hpp"
#include "moerae/model/intervention/edit.hpp"
#include "moerae/model/plan.hpp"

namespace moerae {

/// The edits of all decoder layers for conditions that share a pass: row 0 of their tables edits nothing, row
/// c + 1 is conditions[c]. Throws ConfigError naming condition and layer where one names an expert that the
/// model does not have, or asks of a router what can not be done (faults_of).
[[nodiscard]] std::vector<RouterEdit> edits_of(std::span<Condition const> conditions, ModelPlan const& plan);

}  // namespace moerae
