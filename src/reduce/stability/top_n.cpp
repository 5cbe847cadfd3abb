#include "reduce/stability/top_n.hpp"

#include <algorithm>
#include <cmath>

#include "moerae/base/check.hpp"

namespace moerae {

std::int64_t top_size(ExpertSpace const& space, Scope scope, std::optional<double> alpha) {
  auto const layers = scope == Scope::model ? static_cast<std::int64_t>(space.layers.size()) : 1;
  auto const experts = layers * space.experts;
  auto const of_share = [&](double share) {  // not a number: none
    return static_cast<std::int64_t>(
        std::floor((share > 0 ? std::min(share, 1.0) : 0) * static_cast<double>(experts) + 1e-9));
  };
  auto const n = alpha ? of_share(*alpha) : layers * std::max(space.top_k, space.experts / 10);
  validate<ConfigError>(
      n >= 1 && n < experts,
      "ses.alpha = {}: a top {} of {} experts selects {}, which separates nothing; choose a share "
      "between {:.3g} and {:.3g}, or auto",
      alpha ? fmt::format("{}", *alpha) : "auto", n, experts, n < 1 ? "none" : "all",
      1.0 / static_cast<double>(experts), 1.0 - 1.0 / static_cast<double>(experts));
  return n;
}

}  // namespace moerae
