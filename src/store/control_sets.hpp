#pragma once

#include "moerae/store/expert_set.hpp"

// Controls and evidence in the file of an expert set. Readers throw DataError.

namespace moerae::store {

/// An integer from 0 to 2^31 - 1.
[[nodiscard]] std::int32_t read_id(nlohmann::ordered_json const& value, std::string_view what);

/// Empty where the file has none.
[[nodiscard]] std::vector<ControlSet> read_controls(nlohmann::ordered_json const& file);

/// ",\n "controls": [...]", one control a line; empty without controls.
[[nodiscard]] std::string controls_text(std::vector<ControlSet> const& controls);

/// What is wrong with them; empty when nothing is.
[[nodiscard]] std::string fault_of_controls(ExpertSet const& set);
[[nodiscard]] std::string fault_of_evidence(nlohmann::ordered_json const& evidence);

}  // namespace moerae::store
