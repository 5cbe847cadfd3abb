#pragma once

#include <string>
#include <vector>

#include "reduce/plan/plan.hpp"

namespace moerae {

enum class CriterionKind { ses, esft, contrast, safety_group };
[[nodiscard]] CriterionKind kind_of(std::string const& criterion);

/// "<score>-<a>-vs-<b>": a selection frequency of a contrast in scores.h5.
[[nodiscard]] std::string stability_name(StabilityRule const& rule, ContrastOptions::Pair const& pair);

/// [select.NAME] with what follows from the plan. The set of a one-group criterion stays empty where none is
/// named.
[[nodiscard]] SelectOptions resolved(SelectOptions select, ReducePlan const& plan);

/// The sets written without [select]: ses-<set>, ses-<score>-<a>-vs-<b>, esft_token-<set>, esft_gate-<set>,
/// hcdg, hcdg-minus-benign, hrcg, hrcg-undetermined, <criterion>-<a>-vs-<b> (the `count` best).
[[nodiscard]] std::vector<SelectOptions> default_requests(ReducePlan const& plan);

}  // namespace moerae
