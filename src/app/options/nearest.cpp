#include "app/options/nearest.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace moerae {
namespace {

// Levenshtein distance, one row at a time.
std::size_t distance(std::string const& a, std::string const& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      auto const replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({replaced, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row.back();
}

std::string last_part(std::string const& name) {
  return name.substr(name.rfind('.') + 1);
}

}  // namespace

std::string nearest(std::string const& word, std::vector<std::string> const& known) {
  std::string best;
  auto least = std::max<std::size_t>(2, word.size() / 4) + 1;
  for (auto const& name : known)
    if (auto const d = distance(word, name); d < least) best = name, least = d;
  if (!best.empty()) return best;
  for (auto const& name : known)  // the right key in the wrong section, or without one
    if (last_part(name) == last_part(word)) return name;
  return {};
}

std::string unknown_key(std::string const& name, std::vector<std::string> const& known) {
  auto const meant = nearest(name, known);
  return name + ": unknown key" + (meant.empty() ? "" : "; did you mean " + meant + "?");
}

}  // namespace moerae
