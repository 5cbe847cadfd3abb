#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "app/options/given.hpp"
#include "app/sweep/options.hpp"
#include "moerae/base/faults.hpp"

namespace moerae {

/// A key with several values: `seed = 1 | 2 | 3`, or `1..3` for integers.
struct Axis {
  std::string key;
  std::vector<Given> values;
  std::vector<std::string> labels;  ///< of the values in names: of a path the last parts that tell them apart
};

/// Keys that advance together: one axis, or those of a group of sweep.zip. All have as many values.
using AxisGroup = std::vector<Axis>;

/// The keys of a sweep: those with one value, and those with several in groups, in the order of the file.
struct Axes {
  std::vector<Given> fixed;
  std::vector<AxisGroup> groups;
  [[nodiscard]] std::size_t combinations() const;
};

/// Takes lists apart and groups them. Empty values, one that is there twice, and what sweep.zip cannot bring
/// together are faults.
[[nodiscard]] Axes find_axes(std::vector<Given> const& given, SweepOptions const& options, Faults& faults);

/// What stands for the one value of a key in names: of a path its last part.
[[nodiscard]] std::string label_of(Given const& value);

/// The axis of a key; null where it has one value.
[[nodiscard]] Axis const* find_axis(Axes const& axes, std::string const& key);

}  // namespace moerae
