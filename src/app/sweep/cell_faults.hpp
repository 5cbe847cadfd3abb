#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace moerae {

/// Faults of cells, each once. `all`: how many cells there are.
class CellFaults {
 public:
  explicit CellFaults(std::size_t all) : all_(all) {}
  void add(std::string const& text, std::string const& cell);
  [[nodiscard]] std::vector<std::string> texts() const;
  /// Throws one ConfigError with them, and with `others`, which are of no cell; returns where there is none.
  void raise(std::vector<std::string> const& others = {}) const;

 private:
  std::size_t all_;
  std::vector<std::pair<std::string, std::vector<std::string>>> found_;
};

}  // namespace moerae
