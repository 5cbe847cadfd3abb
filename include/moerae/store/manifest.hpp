#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moerae::store {

/// One published file.
struct Entry {
  std::string path;   ///< relative to the run, forward slashes
  std::string stage;  ///< corpus, record, reduce, ...
  std::string file_hash;
  std::optional<std::string> content_hash;  ///< none for what is not HDF5
  std::uint64_t bytes = 0;
  friend bool operator==(Entry const&, Entry const&) = default;
};

/// The entry of a published file: reads all of it, twice for HDF5 (*.h5).
[[nodiscard]] Entry make_entry(std::filesystem::path const& run, std::filesystem::path const& file,
                               std::string const& stage);

/// The line of an entry in the manifest, without its end, and back: throws what is derived from
/// std::exception where the text is none.
[[nodiscard]] std::string line_of(Entry const& entry);
[[nodiscard]] Entry entry_of(std::string_view line);

/// RUN/manifest.jsonl in memory: one JSON object per line, a later line for a path replaces an earlier one.
class Manifest {
 public:
  /// A missing file is an empty manifest; a torn last line (killed writer) is left out; any other line that
  /// is not an entry is a DataError naming it. Any rank may read.
  [[nodiscard]] static Manifest read(std::filesystem::path const& run);

  /// By path; of a temporary manifest by value, so that a range-for over it is safe.
  [[nodiscard]] std::map<std::string, Entry> const& entries() const& { return entries_; }
  [[nodiscard]] std::map<std::string, Entry> entries() && { return std::move(entries_); }
  /// Null when not listed.
  [[nodiscard]] Entry const* find(std::string const& path) const&;
  Entry const* find(std::string const& path) && = delete;

  /// Rank 0 only. Cuts off a torn last line, appends the entries that are not listed as they are, in one
  /// write, and fsyncs. Throws Error with the cause; the entries are in memory only when they are on disk.
  void append(std::span<Entry const> added);
  void append(Entry const& added) { append(std::span<Entry const>(&added, 1)); }

 private:
  std::filesystem::path run_;
  std::map<std::string, Entry> entries_;
  std::uint64_t whole_bytes_ = 0;  // length of the complete lines
};

/// Whether `file` is a readable HDF5 file with the root attribute complete = 1.
[[nodiscard]] bool is_complete(std::filesystem::path const& file);

/// Rank 0 only. Lists complete published files of an adoptable kind (artefacts.hpp) that are not in the
/// manifest; returns the new entries in order of path.
std::vector<Entry> adopt(std::filesystem::path const& run);

/// How closely a file is compared with its entry.
enum class Look { at_size, at_bytes };
enum class Standing { absent, changed, whole };
/// A file against its entry: absent where either is missing (null: not listed). Any rank may ask.
[[nodiscard]] Standing standing_of(Entry const* entry, std::filesystem::path const& file, Look look);
/// The same with the entry that the manifest of `run` has for it.
[[nodiscard]] Standing standing_of(Manifest const& manifest, std::filesystem::path const& run,
                                   std::filesystem::path const& file, Look look);

}  // namespace moerae::store
