#include "reduce/bounds/concave_tail.hpp"

#include <algorithm>
#include <cmath>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

constexpr double least_a = 1e-9, most_a = 1e9;

class Family {
 public:
  Family(double mean, std::int64_t t, int s) : mean_(mean), t_(t), s_(s) {}

  // P(X >= t) of (a + i)^-s on 0..k and the rest at k + 1, so that the mean is mean_
  [[nodiscard]] double tail(std::int64_t k, double a) const {
    double below = 0, moment = 0;
    for (std::int64_t i = 0; i <= k; ++i) {
      double const f = density(a, i);
      if (i < t_) below += f;
      moment += static_cast<double>(k + 1 - i) * f;
    }
    return 1 - (static_cast<double>(k + 1) - mean_) * below / moment;
  }

  // the a at which 0..k alone has the mean; it falls with k
  [[nodiscard]] double balanced(std::int64_t k) const {
    double low = std::log(least_a), high = std::log(most_a);
    if (mean_of(k, most_a) <= mean_) return most_a;
    for (int step = 0; step < 60; ++step) {
      double const middle = (low + high) / 2;
      (mean_of(k, std::exp(middle)) < mean_ ? low : high) = middle;
    }
    return std::exp((low + high) / 2);
  }

  // over the a that leave a mass at k + 1 that keeps the density r-concave
  [[nodiscard]] double largest_tail(std::int64_t k) const {
    constexpr double golden = 0.6180339887498949;
    double low = std::log(balanced(k + 1)), high = std::log(balanced(k));
    double best = std::max(tail(k, std::exp(low)), tail(k, std::exp(high)));
    double a = high - golden * (high - low), b = low + golden * (high - low);
    double at_a = tail(k, std::exp(a)), at_b = tail(k, std::exp(b));
    for (int step = 0; step < 40; ++step) {
      best = std::max({best, at_a, at_b});
      if (at_a > at_b) {
        high = b, b = a, at_b = at_a;
        at_a = tail(k, std::exp(a = high - golden * (high - low)));
      } else {
        low = a, a = b, at_a = at_b;
        at_b = tail(k, std::exp(b = low + golden * (high - low)));
      }
    }
    return best;
  }

 private:
  [[nodiscard]] double density(double a, std::int64_t i) const {
    double const x = 1 / (a + static_cast<double>(i));
    double power = x;
    for (int factor = 1; factor < s_; ++factor) power *= x;
    return power;
  }
  [[nodiscard]] double mean_of(std::int64_t k, double a) const {
    double mass = 0, moment = 0;
    for (std::int64_t i = 0; i <= k; ++i) {
      double const f = density(a, i);
      mass += f;
      moment += static_cast<double>(i) * f;
    }
    return moment / mass;
  }
  double mean_;
  std::int64_t t_;
  int s_;
};

}  // namespace

double concave_tail(double eta, std::int64_t t, std::int64_t n, int s) {
  expect(eta > 0 && t <= n && n >= 1 && s >= 1, "concave_tail of eta {}, t {}, n {}, s {}", eta, t, n, s);
  double const mean = eta * static_cast<double>(n);
  if (static_cast<double>(t) <= std::ceil(2 * mean - 1e-12)) return 1;
  Family const family(mean, t, s);
  // along k the best tail rises and falls once: a coarse pass, then finer ones around the best (few k: all)
  std::int64_t low = t - 1, high = n - 1;
  double best = 0;
  for (std::int64_t stride = 1;; low = std::max(t - 1, low), high = std::min(n - 1, high)) {
    stride = std::max<std::int64_t>(1, (high - low) / 128);
    std::int64_t at = low;
    for (std::int64_t k = low; k <= high; k += stride)
      if (double const here = family.largest_tail(k); here > best) best = here, at = k;
    if (stride == 1) return std::min(1.0, best);
    low = at - stride, high = at + stride;
  }
}

}  // namespace moerae
