#pragma once

#include <chrono>
#include <csignal>
#include <optional>
#include <string>

namespace moerae {

/// Whether the work is asked to stop at the next boundary: by SIGUSR1, by SIGTERM, or because the wall limit
/// has passed. Installs the signal handlers for its life and restores the former ones; one at a time
/// (std::logic_error otherwise). What it says holds for this rank only; ranks agree on it.
class StopRequest {
 public:
  /// `wall_limit`: seconds from now; none = no limit. Forgets signals of before.
  explicit StopRequest(std::optional<double> wall_limit = {});
  StopRequest(StopRequest const&) = delete;
  StopRequest& operator=(StopRequest const&) = delete;
  ~StopRequest();

  [[nodiscard]] bool requested() const;
  /// "SIGUSR1", "SIGTERM" or "the wall limit of 30 s"; empty while nothing is requested.
  [[nodiscard]] std::string reason() const;

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] bool out_of_time() const;
  std::optional<double> wall_limit_;
  Clock::time_point start_ = Clock::now();
  struct sigaction former_usr1_ {};
  struct sigaction former_term_ {};
};

}  // namespace moerae
