#pragma once

#include "app/study.hpp"
#include "moerae/store/expert_set.hpp"

namespace moerae {

/// The expert set of that name: a file, or sets/NAME.json of the reduction of this run that fits
/// the study's keys; `asked`: where the name stands, for messages. Throws ConfigError that lists the sets
/// there are, DataError where the file is damaged.
[[nodiscard]] store::ExpertSet find_set(Study const& study, std::string const& name,
                                        std::string const& asked);

}  // namespace moerae
