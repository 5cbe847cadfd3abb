#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace moerae {

/// The words of an enum, in files and on the command line.
template <class Enum, std::size_t n>
using Words = std::array<std::pair<std::string_view, Enum>, n>;

template <class Enum, std::size_t n>
[[nodiscard]] std::string word_of(Words<Enum, n> const& words, Enum value) {
  return std::string(std::ranges::find(words, value, [](auto const& row) { return row.second; })->first);
}

}  // namespace moerae
