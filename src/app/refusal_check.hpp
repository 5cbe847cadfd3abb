#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/study.hpp"

namespace moerae {

/// The refusal of a tuned model against the model as it is, on the judged replies of the split that was
/// evaluated: of the prompt sets that were learned, in the runs export.before and export.after.
struct RefusalCheck {
  std::int64_t prompts = 0, before = 0, after = 0;  ///< replies that refuse (refusal | partial)
  std::string judge;
};

/// `adapter`: content hash of the adapter that export.after must have been evaluated with; `tuned`: inputs of
/// the training, whose model and corpus both evaluations must be of, on the validation split. Throws
/// ConfigError where nothing was judged, and says which commands are missing; DataError where other prompts
/// or judges would be compared.
[[nodiscard]] RefusalCheck check_refusal(Study const& study, std::string const& adapter,
                                         nlohmann::ordered_json const& tuned);

}  // namespace moerae
