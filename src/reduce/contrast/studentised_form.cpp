#include "reduce/contrast/studentised_form.hpp"

#include <algorithm>
#include <cmath>

namespace moerae::detail {
namespace {

constexpr double rounding = 1e-12;  // of the sum of squares: a variance below that is none

[[gnu::always_inline]] inline void form(LabelledSums const& sums, double* t) {
  double const per_a = 1 / static_cast<double>(sums.n_a), per_b = 1 / static_cast<double>(sums.n_b);
  double const of_a = per_a * per_a, of_b = per_b * per_b, of_both = 2 * (per_a * per_b);
  for (std::size_t e = 0; e < sums.n; ++e) {
    double const y_a = static_cast<double>(sums.y_a[e]), y_b = static_cast<double>(sums.y[e] - sums.y_a[e]);
    double const ss_a = static_cast<double>(sums.ss_a[e]);
    double const ss_b = static_cast<double>(sums.ss[e] - sums.ss_a[e]);
    double const own = ss_a * of_a + ss_b * of_b;
    double const variance = own - of_both * static_cast<double>(sums.products[e]);
    double const error = sums.unit[e] * std::sqrt(std::max(variance, 0.0));
    double const difference = y_a * per_a - y_b * per_b;
    t[e] = variance > rounding * own ? difference / error : 0;
  }
}

void form_portable(LabelledSums const& sums, double* t) {
  form(sums, t);
}

using Form = void (*)(LabelledSums const&, double*);

#if defined(__x86_64__)
[[gnu::target("avx512f,avx512dq,avx512vl")]] void form_avx512(LabelledSums const& sums, double* t) {
  form(sums, t);
}
#endif

Form best_form() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) return form_avx512;
#endif
  return form_portable;
}

}  // namespace

void studentised_form(LabelledSums const& sums, double* t) {
  static Form const best = best_form();
  if (sums.n_a == 0 || sums.n_b == 0)
    std::fill_n(t, sums.n, 0.0);
  else
    best(sums, t);
}

}  // namespace moerae::detail
