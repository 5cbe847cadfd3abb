#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace moerae {

/// Everything that is wrong with a study, collected so that it is reported in one go.
class StudyFaults {
 public:
  /// `origin`: "file:line", "command line", or empty for a fault of the study as a whole.
  void add(std::string const& origin, std::string const& message);
  [[nodiscard]] std::size_t count() const { return lines_.size(); }
  /// Throws ConfigError with one line per fault, in the order of their finding; returns when there is none.
  void raise() const;

 private:
  std::vector<std::string> lines_;
};

}  // namespace moerae
