#pragma once

#include <span>
#include <string>

#include "moerae/run/status.hpp"

namespace moerae {

/// For people: one line a stage of a run.
[[nodiscard]] std::string status_table(std::span<run::StageStatus const> all);
/// For programs: run,stage,state,done,total,unit,rate_per_s,left_s,job,error; what is not known is empty.
[[nodiscard]] std::string status_csv(std::span<run::StageStatus const> all);
/// The same as an array of objects; what is not known is null.
[[nodiscard]] std::string status_json(std::span<run::StageStatus const> all);

}  // namespace moerae
