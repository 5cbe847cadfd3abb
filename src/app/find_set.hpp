#pragma once

#include "app/study.hpp"
#include "moerae/store/expert_set.hpp"

namespace moerae {

/// The expert set that a condition names: a file, or sets/NAME.json of the reduction of this run that fits
/// the study's keys. Throws ConfigError that lists the sets there are, DataError where the file is damaged.
[[nodiscard]] store::ExpertSet find_set(Study const& study, ConditionSpec const& condition);

}  // namespace moerae
