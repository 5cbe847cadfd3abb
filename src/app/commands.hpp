#pragma once

#include <span>

#include "app/command_line.hpp"

namespace moerae {

/// Everything the program can be asked to do.
[[nodiscard]] std::span<Command const> commands();

}  // namespace moerae
