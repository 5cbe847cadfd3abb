#pragma once

#include <cstddef>
#include <cstdint>

namespace moerae::detail {

/// Sums of a block of n experts under one labelling; r: residual, s: the same in fewer bits.
struct LabelledSums {
  std::int64_t const *r_a, *ss_a;  ///< [n] sum r and sum s^2 over group a
  std::int64_t const *r, *ss,
      *products;          ///< [n] over both groups; sum over pairs of s of one side times the other's
  std::int64_t n_a, n_b;  ///< tokens
  double r_over_s;        ///< unit of s in units of r
  std::size_t n;
};

/// T [n], see studentised.hpp. The same bits on every processor.
void studentised_form(LabelledSums const& sums, double* t);

}  // namespace moerae::detail
