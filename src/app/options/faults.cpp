#include "app/options/faults.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "moerae/base/check.hpp"

namespace moerae {

void StudyFaults::add(std::string const& origin, std::string const& message) {
  lines_.push_back(origin.empty() ? message : fmt::format("{}: {}", origin, message));
}

void StudyFaults::raise() const {
  if (lines_.empty()) return;
  auto const count = lines_.size() == 1 ? std::string("1 fault") : fmt::format("{} faults", lines_.size());
  throw ConfigError(
      fmt::format("{} in the study, so nothing was run:\n  {}\n`moerae defaults` lists every key", count,
                  fmt::join(lines_, "\n  ")));
}

}  // namespace moerae
