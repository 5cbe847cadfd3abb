#include "moerae/store/verify.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "moerae/base/check.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/collective.hpp"
#include "moerae/store/content_hash.hpp"
#include "moerae/store/manifest.hpp"
#include "moerae/store/publish.hpp"
#include "moerae/store/stage_dir.hpp"

namespace moerae::store {

namespace {

using Problems = std::vector<Problem>;

bool is_stage(std::string const& folder, std::string_view stage) {
  return folder == stage ||
         (folder.size() == stage.size() + 9 && folder.starts_with(stage) && folder[stage.size()] == '-');
}

std::string remedy(Entry const& entry) {
  return fmt::format("results on it would be wrong: restore it, or remove it and repeat the {} command",
                     entry.stage);
}

void check_entry(std::filesystem::path const& run, Entry const& entry, Problems& problems) {
  auto const path = run / entry.path;
  auto const wrong = [&](std::string what) {
    problems.push_back({entry.path, fmt::format("{}; {}", what, remedy(entry))});
  };
  auto const folder = entry.path.substr(0, entry.path.find('/'));
  bool const named =
      folder == "corpus.h5" ? entry.stage == "corpus" : folder == entry.path || is_stage(folder, entry.stage);
  if (!named) wrong(fmt::format("listed as stage {}", entry.stage));
  if (!std::filesystem::is_regular_file(path)) return wrong("listed in the manifest but missing");
  auto const bytes = std::filesystem::file_size(path);
  if (bytes != entry.bytes) return wrong(fmt::format("{} bytes, the manifest says {}", bytes, entry.bytes));
  if (file_hash(path) != entry.file_hash) return wrong("its bytes differ from the file hash of the manifest");
  bool const hdf5 = path.extension() == ".h5";
  if (hdf5 != entry.content_hash.has_value()) return wrong("the manifest lists it as another kind of file");
  if (hdf5 && content_hash(path) != *entry.content_hash)
    wrong("its datasets differ from the content hash of the manifest");
}

void check_stages(std::filesystem::path const& run, Problems& problems) {
  for (auto const& folder : std::filesystem::directory_iterator(run)) {
    if (!std::filesystem::exists(folder.path() / "stage.json")) continue;
    auto const name = folder.path().filename().string() + "/stage.json";
    try {
      auto const stage = read_stage(folder.path());
      if (inputs_hash(stage.inputs) != stage.hash ||
          !is_stage(folder.path().filename().string(), stage.stage)) {
        problems.push_back({name,
                            "its inputs do not have its hash, or it names another stage: edited or damaged; "
                            "restore it, or remove the folder and repeat the command"});
      }
    } catch (Error const& error) {
      problems.push_back({name, error.what()});
    }
  }
}

void check_listing(std::filesystem::path const& run, Manifest const& manifest, Problems& problems) {
  for (auto const& item : std::filesystem::recursive_directory_iterator(run)) {
    if (!item.is_regular_file()) continue;
    auto const path = item.path().lexically_relative(run).generic_string();
    auto const folder = path.substr(0, path.find('/'));
    if (is_temporary(item.path())) {
      problems.push_back(
          {path, "a temporary file: a writer was killed, or is still at work; when none is, remove it"});
      continue;
    }
    bool const artefact = path == "corpus.h5" ||
                          (folder != path && (folder.starts_with("record") || folder.starts_with("reduce")));
    if (!artefact || item.path().filename() == "stage.json" || manifest.find(path) != nullptr) continue;
    problems.push_back(
        {path,
         "not in the manifest: copied in, or its writer was killed; repeat the command of its stage, which "
         "lists complete files, or remove it"});
  }
}

}  // namespace

Problems verify(std::filesystem::path const& run, mpi::Comm const& comm) {
  Problems mine;
  mpi::agree(comm, [&] {
    validate<ConfigError>(std::filesystem::is_directory(run), "{}: no such run directory", run.string());
    bool const first = comm.rank() == 0;
    if (first) check_stages(run, mine);
    Manifest manifest;
    try {
      manifest = Manifest::read(run);
    } catch (DataError const& error) {
      if (first) mine.push_back({"manifest.jsonl", error.what()});
      return;
    }
    if (first) check_listing(run, manifest, mine);
    int turn = 0;
    for (auto const& [path, entry] : manifest.entries()) {
      if (turn++ % comm.size() != comm.rank()) continue;
      try {
        check_entry(run, entry, mine);
      } catch (Error const& error) {
        mine.push_back({path, error.what()});
      } catch (std::filesystem::filesystem_error const& error) {
        mine.push_back({path, fmt::format("{}; check the file system", error.what())});
      }
    }
  });
  nlohmann::json rows = nlohmann::json::array();
  for (auto const& problem : mine) rows.push_back({problem.path, problem.message});
  Problems all;
  using nlohmann::json;
  // names and messages may hold bytes that are no UTF-8
  for (auto const& text : mpi::gather_all(comm, rows.dump(-1, ' ', false, json::error_handler_t::replace))) {
    for (auto const& row : json::parse(text)) all.push_back({row[0], row[1]});
  }
  std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) {
    return std::tie(a.path, a.message) < std::tie(b.path, b.message);
  });
  return all;
}

}  // namespace moerae::store
