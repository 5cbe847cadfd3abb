#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
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

/// What a killed writer may have published without listing it.
struct Adoptable {
  std::string stage;
  std::string pattern;  ///< of the path relative to the run, as in fnmatch; `*` does not cross a slash
};
/// corpus.h5, record/shard-*.h5, record-*/shard-*.h5: the list of moerae/manifest.py.
[[nodiscard]] std::vector<Adoptable> const& adoptable();

/// Whether `file` is a readable HDF5 file with the root attribute complete = 1.
[[nodiscard]] bool is_complete(std::filesystem::path const& file);

/// Rank 0 only. Lists complete published files that match a pattern and are not in the manifest; returns the
/// new entries in order of path.
std::vector<Entry> adopt(std::filesystem::path const& run, std::span<Adoptable const> patterns = adoptable());

}  // namespace moerae::store
