#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace moerae {

/// Exit codes of every command (reliability: one code, agreed by all ranks).
enum class ExitCode : int { complete = 0, failure = 1, bad_configuration = 2, bad_data = 3, stopped = 75 };

/// An error for the person who runs the program: what failed; why it matters; what to do.
class Error : public std::runtime_error {
 public:
  explicit Error(std::string const& message, ExitCode code = ExitCode::failure)
      : std::runtime_error(message), code_(code) {}
  [[nodiscard]] ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

/// The study asks for something that cannot be.
class ConfigError : public Error {
 public:
  explicit ConfigError(std::string const& message) : Error(message, ExitCode::bad_configuration) {}
};

/// A file is missing, damaged or not what it must be.
class DataError : public Error {
 public:
  explicit DataError(std::string const& message) : Error(message, ExitCode::bad_data) {}
};

/// The caller's duty. Throws std::logic_error: reaching it is a defect of the program.
template <class... Args>
void expect(bool holds, fmt::format_string<Args...> format, Args&&... args) {
  if (!holds) throw std::logic_error(fmt::format(format, std::forward<Args>(args)...));
}

/// Our own duty, after the work. Throws std::logic_error.
template <class... Args>
void ensure(bool holds, fmt::format_string<Args...> format, Args&&... args) {
  if (!holds) throw std::logic_error(fmt::format(format, std::forward<Args>(args)...));
}

/// The user's input; `E` is ConfigError or DataError. Always on.
template <class E, class... Args>
void validate(bool holds, fmt::format_string<Args...> format, Args&&... args) {
  if (!holds) throw E(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace moerae
