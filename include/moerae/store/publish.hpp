#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace moerae::store {

/// A file appears under its name complete, or not at all. `write` fills and closes the file at the temporary
/// path it is given (beside `path`, `.NAME.PID.tmp`); then the file is fsynced, renamed and the folder
/// fsynced. Missing folders are created. An existing `path` is replaced. On any failure the temporary is
/// removed, `path` is as before, and the error is passed on; our own are Error with the file and the cause.
void publish(std::filesystem::path const& path,
             std::function<void(std::filesystem::path const& temporary)> const& write);

/// publish of a text.
void write_text(std::filesystem::path const& path, std::string_view text);

/// The whole file. DataError when it cannot be read.
[[nodiscard]] std::string read_text(std::filesystem::path const& path);

/// Whether a file name is that of a temporary of `publish` (here or in Python).
[[nodiscard]] bool is_temporary(std::filesystem::path const& path);

/// How far a folder is looked through: its own files, or those of its folders, too.
enum class Depth { folder, below };

/// Removes temporaries that killed writers left in `folder` and returns them. Call it when nobody writes
/// there: at the start, on rank 0. A folder that does not exist has none.
std::vector<std::filesystem::path> remove_stale_temporaries(std::filesystem::path const& folder, Depth depth);

}  // namespace moerae::store
