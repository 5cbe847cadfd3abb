#include "reduce/bounds/stability_bounds.hpp"

#include <cmath>

#include "moerae/base/check.hpp"
#include "reduce/bounds/concave_tail.hpp"
#include "reduce/bounds/normal_null.hpp"

namespace moerae {
namespace {

constexpr double rounding = 1e-9;

// needed replicates, as StabilityRule::needed
double needed(BoundCase const& of) {
  return std::ceil(of.threshold * static_cast<double>(of.samples) - rounding);
}
double tau_of(BoundCase const& of) {
  return needed(of) / static_cast<double>(of.samples);
}
double pairs_of(BoundCase const& of) {
  return static_cast<double>(of.samples / 2);
}
double theta_of(BoundCase const& of) {
  return static_cast<double>(of.q) / static_cast<double>(of.p);
}

// Why no bound holds, or no bound for pairs; empty: it may
std::string obstacle(BoundKind kind, BoundCase const& of) {
  if (of.resampling == Resampling::bootstrap)
    return "the bounds rest on halves that are samples of their own; bootstrap replicates share clusters, "
           "and nothing is "
           "proven for them; use ses.resample = complementary";
  if (of.q < 1 || of.q >= of.p)
    return fmt::format("a top {} of {} experts selects {}: there is nothing to bound; change ses.alpha", of.q,
                       of.p, of.q < 1 ? "none" : "all");
  double const tau = tau_of(of);
  if (tau <= .5 + rounding)
    return fmt::format("threshold {}: at one half or below a majority proves nothing; raise ses.threshold",
                       of.threshold);
  if (kind == BoundKind::meinshausen_buhlmann) return {};
  if (of.resampling != Resampling::complementary)
    return "half-samples drawn one by one are no complementary pairs: only the Meinshausen-Buhlmann bound is "
           "for them; "
           "use ses.resample = complementary";
  double const pairs = pairs_of(of);
  if (tau < .5 + 1 / pairs - rounding)
    return fmt::format(
        "threshold {} with {} pairs: the bound begins at 1/2 + 1/B = {:.4g}; raise ses.threshold or "
        "ses.samples",
        of.threshold, of.samples / 2, .5 + 1 / pairs);
  return {};
}

std::string unimodal_obstacle(BoundCase const& of) {
  double const theta = theta_of(of), squared = theta * theta, pairs = pairs_of(of), tau = tau_of(of);
  if (theta > 1 / std::sqrt(3.0))
    return fmt::format("q/p = {:.3g}: the bound holds up to 1/sqrt(3) = .577; choose a smaller ses.alpha",
                       theta);
  double const from = .5 + std::min(squared, 1 / (2 * pairs) + .75 * squared);
  if (tau < from - rounding)
    return fmt::format(
        "threshold {} with q/p = {:.3g}: the bound begins at {:.4g}; raise ses.threshold or choose a "
        "smaller ses.alpha",
        of.threshold, theta, from);
  return {};
}

// Whether chance exceeds the bound already in the simplest case
std::string r_concave_obstacle(BoundCase const& of) {
  auto const t = static_cast<std::int64_t>(needed(of));
  double const bound = bound_formula(BoundKind::r_concave, of);
  double const chance = static_cast<double>(of.p) * normal_null_tail(theta_of(of), t, of.samples / 2);
  if (chance <= bound) return {};
  return fmt::format(
      "threshold {} with q/p = {:.3g}: ranks of means are not r-concave there, exchangeable experts give "
      "{:.3g} where it claims {:.3g}; use the unimodal bound, raise ses.threshold or choose a smaller "
      "ses.alpha",
      of.threshold, theta_of(of), chance, bound);
}

double meinshausen_buhlmann(BoundCase const& of) {
  auto const q = static_cast<double>(of.q);
  return q * q / ((2 * tau_of(of) - 1) * static_cast<double>(of.p));
}

double unimodal(BoundCase const& of) {
  double const tau = tau_of(of), pairs = pairs_of(of), q = static_cast<double>(of.q);
  double const um = tau <= .75 + rounding ? 2 * (2 * tau - 1 - 1 / (2 * pairs))
                                          : (1 + 1 / pairs) / (4 * (1 - tau + 1 / (2 * pairs)));
  return q * q / static_cast<double>(of.p) / um;
}

double r_concave(BoundCase const& of) {
  auto const pairs = of.samples / 2;
  auto const t = static_cast<std::int64_t>(needed(of));
  double const theta = theta_of(of);
  // s = -1/r: the share of pairs that agree is -1/2-concave, the share of halves -1/4-concave
  double const tail =
      std::min(concave_tail(theta * theta, t - pairs, pairs, 2), concave_tail(theta, t, 2 * pairs, 4));
  return static_cast<double>(of.p) * tail;
}

}  // namespace

std::string_view name_of(BoundKind kind) {
  switch (kind) {
    case BoundKind::meinshausen_buhlmann:
      return "meinshausen_buhlmann";
    case BoundKind::unimodal:
      return "unimodal";
    case BoundKind::r_concave:
      return "r_concave";
  }
  throw std::logic_error("a bound of no kind");
}

StabilityBound stability_bound(BoundKind kind, BoundCase const& of) {
  expect(of.samples >= 2 && of.threshold <= 1, "a bound of {} replicates at threshold {}", of.samples,
         of.threshold);
  StabilityBound bound{kind, {}, obstacle(kind, of)};
  if (bound.reason.empty() && kind == BoundKind::unimodal) bound.reason = unimodal_obstacle(of);
  if (bound.reason.empty() && kind == BoundKind::r_concave) bound.reason = r_concave_obstacle(of);
  if (bound.reason.empty()) bound.value = bound_formula(kind, of);
  return bound;
}

double bound_formula(BoundKind kind, BoundCase const& of) {
  expect(of.q >= 1 && of.q < of.p && tau_of(of) > .5, "a bound of {} in {} at threshold {}", of.q, of.p,
         of.threshold);
  switch (kind) {
    case BoundKind::meinshausen_buhlmann:
      return meinshausen_buhlmann(of);
    case BoundKind::unimodal:
      return unimodal(of);
    case BoundKind::r_concave:
      return r_concave(of);
  }
  throw std::logic_error("a bound of no kind");
}

std::int64_t largest_q(BoundKind kind, BoundCase of, double expected) {
  // each bound rises with q, and its conditions on q/p fail from some q on
  auto const holds = [&](std::int64_t q) {
    of.q = q;
    auto const bound = stability_bound(kind, of);
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
