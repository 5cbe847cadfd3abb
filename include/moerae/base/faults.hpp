#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

namespace moerae {

/// Something that is wrong with a configuration.
struct Fault {
  std::vector<std::string> keys;  ///< of the study, all that take part; none: `text` says where it is
  std::string text;
};

/// What is wrong with a configuration, gathered so that all of it is reported in one go.
class Faults {
 public:
  template <class... Args>
  void add(std::vector<std::string> keys, fmt::format_string<Args...> format, Args&&... args) {
    found_.push_back({std::move(keys), fmt::format(format, std::forward<Args>(args)...)});
  }
  [[nodiscard]] std::vector<Fault> const& found() const { return found_; }
  /// Throws one ConfigError with a line for each, in the order of their finding; returns where there is none.
  void raise() const;

 private:
  std::vector<Fault> found_;
};

}  // namespace moerae
