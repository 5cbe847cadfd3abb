#pragma once

#include <fmt/format.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "moerae/base/check.hpp"

namespace moerae {

/// ConfigFaults of a configuration, gathered so that all are reported in one go.
class ConfigFaults {
 public:
  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    found_.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
  /// Runs `check`; a ConfigError it throws becomes a fault.
  void collect(std::function<void()> const& check) {
    try {
      check();
    } catch (ConfigError const& error) {
      found_.emplace_back(error.what());
    }
  }
  /// Throws one ConfigError that lists them all; nothing when there are none.
  void raise() const {
    if (!found_.empty()) throw ConfigError(fmt::format("{}", fmt::join(found_, "\n")));
  }

 private:
  std::vector<std::string> found_;
};

}  // namespace moerae
