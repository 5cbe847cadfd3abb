#include "reduce/bounds/stability_bound.hpp"

#include <algorithm>
#include <cmath>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

constexpr double rounding = 1e-9;

// as StabilityRule::needed
double tau_of(BoundCase const& of) {
  auto const samples = static_cast<double>(of.samples);
  return std::ceil(of.threshold * samples - rounding) / samples;
}

// Why the bound does not hold; empty: it does
std::string obstacle(BoundCase const& of) {
  if (of.resampling == Resampling::bootstrap)
    return "the bound rests on halves that are samples of their own; bootstrap replicates share clusters, "
           "and "
           "nothing is proven for them; use ses.resample = complementary";
  if (of.q < 1 || of.q >= of.p)
    return fmt::format("a top {} of {} experts selects {}: there is nothing to bound; change ses.alpha", of.q,
                       of.p, of.q < 1 ? "none" : "all");
  double const tau = tau_of(of), pairs = static_cast<double>(of.samples) / 2;
  if (tau <= .5 + rounding)
    return fmt::format("threshold {}: at one half or below a majority proves nothing; raise ses.threshold",
                       of.threshold);
  if (tau < .5 + 1 / pairs - rounding)
    return fmt::format(
        "threshold {} with {} pairs: the bound begins at 1/2 + 1/B = {:.4g}; raise ses.threshold or "
        "ses.samples",
        of.threshold, of.samples / 2, .5 + 1 / pairs);
  double const theta = static_cast<double>(of.q) / static_cast<double>(of.p), squared = theta * theta;
  if (theta > 1 / std::sqrt(3.0))
    return fmt::format("q/p = {:.3g}: the bound holds up to 1/sqrt(3) = .577; choose a smaller ses.alpha",
                       theta);
  double const from = .5 + std::min(squared, 1 / (2 * pairs) + .75 * squared);
  if (tau < from - rounding)
    return fmt::format(
        "threshold {} with q/p = {:.3g}: the bound begins at {:.4g}; raise ses.threshold or choose a smaller "
        "ses.alpha",
        of.threshold, theta, from);
  return {};
}

double unimodal(BoundCase const& of) {
  double const tau = tau_of(of), pairs = static_cast<double>(of.samples) / 2, q = static_cast<double>(of.q);
  double const um = tau <= .75 + rounding ? 2 * (2 * tau - 1 - 1 / (2 * pairs))
                                          : (1 + 1 / pairs) / (4 * (1 - tau + 1 / (2 * pairs)));
  return q * q / static_cast<double>(of.p) / um;
}

}  // namespace

StabilityBound unimodal_bound(BoundCase const& of) {
  expect(of.samples >= 2 && of.threshold <= 1, "a bound of {} replicates at threshold {}", of.samples,
         of.threshold);
  StabilityBound bound{{}, obstacle(of)};
  if (bound.reason.empty()) bound.value = unimodal(of);
  return bound;
}

std::int64_t largest_q(BoundCase of, double expected) {
  // the bound rises with q, and its conditions on q/p fail from some q on
  auto const holds = [&](std::int64_t q) {
    of.q = q;
    auto const bound = unimodal_bound(of);
    return bound.value && *bound.value <= expected;
  };
  std::int64_t low = 0,
               high = std::max<std::int64_t>(of.p, 1);  // holds at low (or nothing does), not at high
  while (high - low > 1) {
    auto const middle = low + (high - low) / 2;
    (holds(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace moerae
