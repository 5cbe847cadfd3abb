#pragma once

#include <chrono>
#include <string>

namespace moerae {

/// Progress of long work: a line at most every `interval` seconds with share, rate and time left.
class Progress {
 public:
  /// `total` and the amounts of `advance_to` are in `unit` (tokens, replicates, ...).
  Progress(std::string what, std::string unit, double total, double interval_s = 5.0);

  /// Reports that `done` of `total` have been finished since the construction; logs when a line is due.
  void advance_to(double done);
  [[nodiscard]] double seconds() const;

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_, unit_;
  double total_, interval_s_;
  Clock::time_point start_, last_;
};

/// "2h 05m", "3m 20s", "12s".
[[nodiscard]] std::string format_duration(double seconds);

}  // namespace moerae
