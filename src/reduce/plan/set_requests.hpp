#pragma once

#include <set>
#include <string>
#include <vector>

#include "reduce/plan/config_faults.hpp"
#include "reduce/plan/plan.hpp"

namespace moerae {

/// "a:b" or "a:b/c" of `key`; adds a fault unless all names are different.
[[nodiscard]] ContrastOptions::Pair parse_pair(std::string const& text, std::string const& key,
                                               ConfigFaults& faults);

/// "<score>-<a>-vs-<b>": a selection frequency of a contrast in scores.h5.
[[nodiscard]] std::string stability_name(StabilityRule const& rule, ContrastOptions::Pair const& pair);

/// [select.NAME] as a request: the criterion known, exactly the keys it needs. Names of prompt sets are not
/// looked up here. ConfigFaults are added; what is returned then is not used.
[[nodiscard]] SetRequest parse_select(SelectOptions const& select, ReducePlan const& plan,
                                      ConfigFaults& faults);

/// The sets written without [select]: ses-<set>, ses-<score>-<a>-vs-<b>, esft_token-<set>, esft_gate-<set>,
/// hcdg, hcdg-minus-benign, hrcg, hrcg-undetermined, <criterion>-<a>-vs-<b> (the `count` best).
[[nodiscard]] std::vector<SetRequest> default_requests(ReducePlan const& plan, std::int64_t count);

/// Adds a fault unless `name` can stand in a file name and in a condition such as mask:NAME@3.
void check_file_name(std::string const& name, std::string const& key, ConfigFaults& faults);

}  // namespace moerae
