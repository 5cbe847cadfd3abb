#pragma once

#include <filesystem>
#include <functional>

namespace moerae::store {

/// A folder appears under its name whole, or the one that was there stays. `write` makes and fills the folder
/// at the path it is given (beside `path`, `.NAME.tmp`; not there yet); then its files and itself are
/// fsynced, it takes the place of what was at `path` (in one step, where the file system can swap two names;
/// else the old one is moved to `.NAME.old` first, and stays there when the process is killed before the
/// second step), the parent is fsynced and the old folder removed. What a killed process left is cleared or
/// put back first. One writer at a time. Throws Error, or what `write` throws; `path` is then as before.
void publish_folder(std::filesystem::path const& path,
                    std::function<void(std::filesystem::path const& temporary)> const& write);

}  // namespace moerae::store
