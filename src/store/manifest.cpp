#include "moerae/store/manifest.hpp"

#include <fcntl.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "moerae/base/check.hpp"
#include "moerae/store/artefacts.hpp"
#include "moerae/store/content_hash.hpp"
#include "moerae/store/file.hpp"
#include "moerae/store/publish.hpp"
#include "store/descriptor.hpp"

namespace moerae::store {

namespace {

using Json = nlohmann::ordered_json;

bool is_hash(std::string const& text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// Behind the lines that were read or written here there can be a torn one of a killed writer, nothing else.
void require_sole_writer(std::filesystem::path const& path, std::uint64_t whole_bytes) {
  auto const bytes = std::filesystem::file_size(path);
  bool const alone = bytes == whole_bytes ||
                     (bytes > whole_bytes && read_text(path).find('\n', whole_bytes) == std::string::npos);
  validate<Error>(alone,
                  "{}: has changed since this program read it: another program writes to the same run "
                  "directory; let it end, then repeat this command",
                  path.string());
}

}  // namespace

std::string line_of(Entry const& entry) {
  Json line = {{"path", entry.path}, {"stage", entry.stage}, {"file_hash", entry.file_hash}};
  line["content_hash"] = entry.content_hash ? Json(*entry.content_hash) : Json(nullptr);
  line["bytes"] = entry.bytes;
  return line.dump();
}

Entry entry_of(std::string_view line) {
  auto const object = Json::parse(line);
  validate<DataError>(object.is_object() && object.size() == 5, "expected an object of five keys");
  Entry entry;
  object.at("path").get_to(entry.path);
  object.at("stage").get_to(entry.stage);
  object.at("file_hash").get_to(entry.file_hash);
  auto const& content = object.at("content_hash");
  if (!content.is_null()) entry.content_hash = content.get<std::string>();
  validate<DataError>(object.at("bytes").is_number_unsigned(), "`bytes` is no count");
  object.at("bytes").get_to(entry.bytes);
  std::filesystem::path const path(entry.path);
  validate<DataError>(
      !entry.path.empty() && path.is_relative() && path.lexically_normal() == path && *path.begin() != "..",
      "`path` must name a file inside the run");
  validate<DataError>(is_hash(entry.file_hash) && (!entry.content_hash || is_hash(*entry.content_hash)),
                      "a hash is not 32 hexadecimal digits");
  return entry;
}

Entry make_entry(std::filesystem::path const& run, std::filesystem::path const& file,
                 std::string const& stage) {
  bool const hdf5 = file.extension() == ".h5";
  auto const relative = std::filesystem::absolute(file).lexically_normal().lexically_relative(
      std::filesystem::absolute(run / "").lexically_normal());
  expect(!relative.empty() && *relative.begin() != "..", "{} is not inside the run {}", file.string(),
         run.string());
  std::error_code error;
  auto const bytes = std::filesystem::file_size(file, error);
  validate<DataError>(!error, "{}: cannot be listed in the manifest: {}", file.string(), error.message());
  return {relative.generic_string(), stage, file_hash(file),
          hdf5 ? std::optional(content_hash(file)) : std::nullopt, bytes};
}

Manifest Manifest::read(std::filesystem::path const& run) {
  Manifest manifest;
  manifest.run_ = run;
  auto const path = run / "manifest.jsonl";
  if (!std::filesystem::exists(path)) return manifest;
  auto const text = read_text(path);
  std::size_t number = 0;
  for (std::size_t start = 0, end = 0; (end = text.find('\n', start)) != std::string::npos; start = end + 1) {
    ++number;
    try {
      auto entry = entry_of(std::string_view(text).substr(start, end - start));
      manifest.entries_.insert_or_assign(entry.path, std::move(entry));
    } catch (std::exception const& error) {
      throw DataError(
          fmt::format("{}, line {}: not a manifest entry ({}); the list of published files cannot be "
                      "trusted; restore the file, or remove it and repeat the command that wrote the run",
                      path.string(), number, error.what()));
    }
    manifest.whole_bytes_ = end + 1;
  }
  return manifest;
}

Entry const* Manifest::find(std::string const& path) const& {
  auto const found = entries_.find(path);
  return found == entries_.end() ? nullptr : &found->second;
}

void Manifest::append(std::span<Entry const> added) {
  std::string lines;
  for (auto const& entry : added) {
    auto const* const listed = find(entry.path);
    if (listed == nullptr || *listed != entry) lines += line_of(entry) + '\n';
  }
  if (lines.empty()) return;
  auto const path = run_ / "manifest.jsonl";
  bool const made = !std::filesystem::exists(path);
  if (!made) require_sole_writer(path, whole_bytes_);
  Descriptor file(path, O_WRONLY | O_CREAT | O_APPEND);
  file.truncate(whole_bytes_);
  file.write(lines);
  file.sync();
  file.close();
  if (made) {
    Descriptor folder(run_, O_RDONLY | O_DIRECTORY);
    folder.sync();
    folder.close();
  }
  whole_bytes_ += lines.size();
  for (auto const& entry : added) entries_.insert_or_assign(entry.path, entry);
}

bool is_complete(std::filesystem::path const& file) {
  try {
    auto const opened = File::open(file);
    return opened.has_attribute("/", "complete") && opened.int_attribute("/", "complete") == 1;
  } catch (DataError const&) {
    return false;
  }
}

std::vector<Entry> adopt(std::filesystem::path const& run) {
  std::vector<Entry> added;
  if (!std::filesystem::is_directory(run)) return added;
  auto manifest = Manifest::read(run);
  for (auto const& item : std::filesystem::recursive_directory_iterator(run)) {
    if (!item.is_regular_file()) continue;
    auto const path = item.path().lexically_relative(run).generic_string();
    auto const* kind = artefact_of(path);
    if (!kind || kind->listing != Listing::adopted || manifest.find(path) != nullptr ||
        !is_complete(item.path()))
      continue;
    added.push_back(make_entry(run, item.path(), std::string(kind->stage)));
  }
  std::sort(added.begin(), added.end(), [](Entry const& a, Entry const& b) { return a.path < b.path; });
  manifest.append(added);
  return added;
}

Standing standing_of(Entry const* entry, std::filesystem::path const& file, Look look) {
  std::error_code missing;
  auto const bytes = std::filesystem::file_size(file, missing);
  if (!entry || missing) return Standing::absent;
  bool const same = bytes == entry->bytes && (look == Look::at_size || file_hash(file) == entry->file_hash);
  return same ? Standing::whole : Standing::changed;
}

Standing standing_of(Manifest const& manifest, std::filesystem::path const& run,
                     std::filesystem::path const& file, Look look) {
  return standing_of(manifest.find(file.lexically_relative(run).generic_string()), file, look);
}

}  // namespace moerae::store
