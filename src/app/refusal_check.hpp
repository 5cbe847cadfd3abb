#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/study.hpp"

namespace moerae {

/// The refusal of a tuned model against the model as it is, on the judged replies of the validation split: of
/// each prompt set, in the evaluations export.before and export.after.
struct RefusalCheck {
  struct OfSet {
    std::string set;
    bool forbidden = false;                           ///< it is of export.forbidden: that must not fall
    std::int64_t prompts = 0, before = 0, after = 0;  ///< replies that refuse (refusal | partial)
  };
  std::vector<OfSet> sets;  ///< in the order of the corpus; none without a prompt
  std::string judge;

  [[nodiscard]] std::string text() const;  ///< of the forbidden ones
};

/// Throws ConfigError where that of a forbidden set fell by more than 2 points.
void check_no_less(RefusalCheck const& found);

/// `adapter`: content hash of the adapter that export.after must have been evaluated with, at scale 1;
/// `tuned`: inputs of the training, whose model and corpus both evaluations must be of. Throws ConfigError
/// where nothing was judged, and says which commands are missing, or where it is not one pair of evaluations
/// that differ in the adapter (and the grid) alone; DataError where other prompts or judges would be
/// compared.
[[nodiscard]] RefusalCheck check_refusal(Study const& study, std::string const& adapter,
                                         nlohmann::ordered_json const& tuned);

}  // namespace moerae
