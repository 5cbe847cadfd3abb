#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace moerae {

/// Columns of text for people: names above, two blanks between, the first `left` columns (and the last, where
/// `ragged`) from the left, the others from the right.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> names, std::size_t left, bool ragged = false)
      : rows_{std::move(names)}, left_(left), ragged_(ragged) {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::size_t left_;
  bool ragged_;
};

}  // namespace moerae
