#include "moerae/base/progress.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace moerae {

std::string format_duration(double seconds) {
  auto const s = static_cast<long>(seconds + 0.5);
  if (s >= 3600) return fmt::format("{}h {:02d}m", s / 3600, s % 3600 / 60);
  if (s >= 60) return fmt::format("{}m {:02d}s", s / 60, s % 60);
  return fmt::format("{}s", s);
}

Progress::Progress(std::string what, std::string unit, double total, double interval_s)
    : what_(std::move(what)),
      unit_(std::move(unit)),
      total_(total),
      interval_s_(interval_s),
      start_(Clock::now()),
      last_(start_) {}

double Progress::seconds() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

void Progress::advance_to(double done) {
  auto const now = Clock::now();
  if (std::chrono::duration<double>(now - last_).count() < interval_s_ || done <= 0) return;
  last_ = now;
  double const rate = done / seconds();
  spdlog::info("{}: {:.0f} of {:.0f} {} ({:.0f} %), {:.0f} {}/s, {} left", what_, done, total_, unit_,
               100 * done / total_, rate, unit_, format_duration((total_ - done) / rate));
}

}  // namespace moerae
