#pragma once

#include <string>
#include <vector>

#include "reduce/plan/plan.hpp"

namespace moerae {

[[nodiscard]] SetRequest::Kind kind_of(std::string const& criterion);

/// "<score>-<a>-vs-<b>": a selection frequency of a contrast in scores.h5.
[[nodiscard]] std::string stability_name(StabilityRule const& rule, ContrastOptions::Pair const& pair);

/// [select.NAME] as a request. The set of a one-group criterion stays empty where none is named.
[[nodiscard]] SetRequest request_of(SelectOptions const& select, ReducePlan const& plan);

/// The sets written without [select]: ses-<set>, ses-<score>-<a>-vs-<b>, esft_token-<set>, esft_gate-<set>,
/// hcdg, hcdg-minus-benign, hrcg, hrcg-undetermined, <criterion>-<a>-vs-<b> (the `count` best).
[[nodiscard]] std::vector<SetRequest> default_requests(ReducePlan const& plan, std::int64_t count);

}  // namespace moerae
