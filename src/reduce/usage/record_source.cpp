#include "reduce/usage/record_source.hpp"

#include <algorithm>

#include "moerae/base/check.hpp"
#include "moerae/record/shard_reader.hpp"
#include "moerae/store/artefacts.hpp"
#include "moerae/store/content_hash.hpp"
#include "moerae/store/publish.hpp"

namespace moerae {
namespace {

namespace fs = std::filesystem;

store::StageDir choose(fs::path const& run, fs::path const& wanted) {
  validate<ConfigError>(fs::is_directory(run),
                        "{}: no such run, so there is no record to reduce; run `moerae record` "
                        "first, or correct run.dir or run.from",
                        run.string());
  auto found = store::list_stages(run, "record");
  std::string names;
  for (auto const& stage : found) names += (names.empty() ? "" : ", ") + stage.path.filename().string();
  validate<ConfigError>(!found.empty(),
                        "{}: holds no record to reduce; run `moerae record` (or `python -m moerae "
                        "import`) first",
                        run.string());
  if (!wanted.empty()) {
    auto const at =
        std::ranges::find(found, wanted.filename(), [](auto const& s) { return s.path.filename(); });
    validate<ConfigError>(at != found.end(),
                          "{}: has no record {}; there are {}; run `moerae record` with this study "
                          "first",
                          run.string(), wanted.filename().string(), names);
    return *at;
  }
  validate<ConfigError>(found.size() == 1,
                        "{}: holds several records ({}), and this study does not say which one is "
                        "to be reduced; give it the [model], [grid], [corpus] and [record] keys of "
                        "that record",
                        run.string(), names);
  return found.front();
}

std::vector<std::string> recorded_sets(nlohmann::ordered_json const& inputs) {
  auto const at = inputs.find("corpus.sets");
  if (at == inputs.end() || at->empty()) return {};
  return at->is_array() ? at->get<std::vector<std::string>>() : std::vector{at->get<std::string>()};
}

}  // namespace

RecordSource find_record(fs::path const& run, fs::path const& wanted) {
  RecordSource source{run, choose(run, wanted), {}, {}, {}};
  source.sets = recorded_sets(source.stage.inputs);
  auto const manifest = store::Manifest::read(run);
  std::string contents;
  for (auto const& [path, entry] : manifest.entries()) {
    if (!path.starts_with(source.name() + "/") || !store::is_unit_of(path, "record")) continue;
    source.shards.push_back(entry);
    contents += fmt::format("{} {}\n", fs::path(path).filename().string(), entry.content_hash.value_or(""));
  }
  source.digest = store::text_hash(contents);
  for (auto const& file : fs::directory_iterator(source.stage.path)) {
    auto const path = source.name() + "/" + file.path().filename().string();
    if (!store::is_unit_of(path, "record") || store::is_temporary(file.path())) continue;
    validate<DataError>(
        manifest.find(path) != nullptr,
        "{}: not in the manifest of the run, so it is unknown what it is; repeat `moerae record`, which "
        "lists its own files, or remove it",
        file.path().string());
  }
  validate<DataError>(!source.shards.empty(), "{}: no finished shard; repeat `moerae record`",
                      source.stage.path.string());
  return source;
}

bool has_routing(RecordSource const& source) {
  return ShardReader::open(source.run / source.shards.front().path).has_routing();
}

Corpus recorded_corpus(RecordSource const& source) {
  auto corpus = read_corpus(source.run / "corpus.h5");
  auto const manifest = store::Manifest::read(source.run);
  auto const* entry = manifest.find("corpus.h5");
  validate<DataError>(
      entry != nullptr && entry->content_hash == corpus.content_hash,
      "{}: is not the corpus listed in the manifest of the run, so prompts and sets may be wrong; restore "
      "it, or record into a new run.dir",
      corpus.path.string());
  auto const& inputs = source.stage.inputs;
  if (auto const at = inputs.find("corpus"); at != inputs.end())
    validate<DataError>(*at == corpus.content_hash, "{}: has changed since {} was recorded; record again",
                        corpus.path.string(), source.stage.path.string());
  return corpus;
}

}  // namespace moerae
