#pragma once

#include <spdlog/spdlog.h>

#include <filesystem>

namespace moerae {

/// Sets spdlog's default logger: rank 0 writes information to stderr, the other ranks warnings and errors
/// only, each line tagged with the rank where there is more than one. Everything else logs through spdlog
/// itself.
void start_log(int rank, int ranks);

/// Adds the file `folder/rank-NNNN.log` (appending). Throws Error when it cannot be opened.
void add_log_file(std::filesystem::path const& folder, int rank);

}  // namespace moerae
