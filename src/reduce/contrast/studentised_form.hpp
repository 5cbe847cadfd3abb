#pragma once

#include <cstddef>
#include <cstdint>

namespace moerae::detail {

/// Sums of a block of n experts under one labelling; y: usage, s: residual in few bits.
struct LabelledSums {
  std::int64_t const *y_a, *ss_a;  ///< [n] sum y and sum s^2 over group a
  std::int64_t const *y, *ss;      ///< [n] the same over both groups
  std::int64_t const* products;    ///< [n] sum over pairs of s of one side times the other's
  double const* unit;              ///< [n] of s, in units of y
  std::int64_t n_a, n_b;           ///< tokens
  std::size_t n;
};

/// T [n], see studentised.hpp. The same bits on every processor.
void studentised_form(LabelledSums const& sums, double* t);

}  // namespace moerae::detail
