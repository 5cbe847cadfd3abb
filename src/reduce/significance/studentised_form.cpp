#include "studentised_form.hpp"

#include <algorithm>
#include <cmath>

namespace moerae::detail {
namespace {

constexpr double rounding = 1e-12;  // of the sum of squares: a variance below that is none

[[gnu::always_inline]] inline void form(LabelledSums const& sums, double* t) {
  auto const n_a = static_cast<double>(sums.n_a), n_b = static_cast<double>(sums.n_b);
  double const per_a = 1 / n_a, per_b = 1 / n_b, unit = sums.r_over_s * sums.r_over_s;
  double const of_a = unit * per_a * per_a, of_b = unit * per_b * per_b, of_both = 2 * unit * (per_a * per_b);
  for (std::size_t e = 0; e < sums.n; ++e) {
    double const r_a = static_cast<double>(sums.r_a[e]), r_b = static_cast<double>(sums.r[e] - sums.r_a[e]);
    double const ss_a = static_cast<double>(sums.ss_a[e]);
    double const ss_b = static_cast<double>(sums.ss[e] - sums.ss_a[e]);
    double const own = ss_a * of_a + ss_b * of_b;
    double const variance = own - of_both * static_cast<double>(sums.products[e]);
    double const root = std::sqrt(std::max(variance, 0.0));
    double const difference = r_a * per_a - r_b * per_b;
    t[e] = variance > rounding * own ? difference / root : 0;
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
