#include "moerae/base/faults.hpp"

#include <fmt/ranges.h>

#include "moerae/base/check.hpp"

namespace moerae {

void Faults::raise() const {
  std::vector<std::string> lines;
  for (auto const& fault : found_) lines.push_back(fault.text);
  validate<ConfigError>(lines.empty(), "{}", fmt::join(lines, "\n"));
}

}  // namespace moerae
