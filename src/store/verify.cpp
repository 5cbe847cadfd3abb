#include "moerae/store/verify.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "moerae/base/check.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/collective.hpp"
#include "moerae/store/artefacts.hpp"
#include "moerae/store/content_hash.hpp"
#include "moerae/store/manifest.hpp"
#include "moerae/store/publish.hpp"
#include "moerae/store/stage_dir.hpp"

namespace moerae::store {

namespace {

using Problems = std::vector<Problem>;

std::string remedy(Entry const& entry) {
  return fmt::format("results on it would be wrong: restore it, or remove it and repeat the {} command",
                     entry.stage);
}

void check_entry(std::filesystem::path const& run, Entry const& entry, Problems& problems) {
  auto const path = run / entry.path;
  auto const wrong = [&](std::string what) {
    problems.push_back({entry.path, fmt::format("{}; {}", what, remedy(entry))});
  };
  auto const* kind = artefact_of(entry.path);
  if (!kind)
    wrong("listed, but no stage writes a file of this name");
  else if (kind->stage != entry.stage)
    wrong(fmt::format("listed as stage {}", entry.stage));
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
          !is_folder_of(folder.path().filename().string(), stage.stage)) {
        problems.push_back({name,
                            "its inputs do not have its hash, or it names another stage: edited or damaged; "
                            "restore it, or remove the folder and repeat the command"});
      }
    } catch (Error const& error) {
      problems.push_back({name, error.what()});
    }
  }
}

// Every file there is: temporaries and unlisted artefacts are problems, files that no stage writes are
// strangers.
void check_files(std::filesystem::path const& run, Manifest const& manifest, Verification& out) {
  for (auto const& item : std::filesystem::recursive_directory_iterator(run)) {
    if (!item.is_regular_file()) continue;
    auto const path = item.path().lexically_relative(run).generic_string();
    if (is_temporary(item.path())) {
      out.problems.push_back(
          {path, "a temporary file: a writer was killed, or is still at work; when none is, remove it"});
      continue;
    }
    auto const* kind = artefact_of(path);
    if (!kind)
      out.strangers.push_back(path);
    else if (kind->listing != Listing::none && manifest.find(path) == nullptr)
      out.problems.push_back(
          {path,
           "not in the manifest: copied in, or its writer was killed; repeat the command of its stage, which "
           "lists complete files, or remove it"});
  }
}

// All ranks' rows, the same list everywhere. Names and messages may hold bytes that are no UTF-8.
std::vector<std::vector<std::string>> gather(mpi::Comm const& comm, nlohmann::json const& mine) {
  std::vector<std::vector<std::string>> all;
  using nlohmann::json;
  for (auto const& text : mpi::gather_all(comm, mine.dump(-1, ' ', false, json::error_handler_t::replace)))
    for (auto const& row : json::parse(text)) all.push_back(row);
  std::ranges::sort(all);
  return all;
}

}  // namespace

Verification verify(std::filesystem::path const& run, mpi::Comm const& comm) {
  Verification mine;
  mpi::agree(comm, [&] {
    validate<ConfigError>(std::filesystem::is_directory(run), "{}: no such run directory", run.string());
    bool const first = comm.rank() == 0;
    if (first) check_stages(run, mine.problems);
    Manifest manifest;
    try {
      manifest = Manifest::read(run);
    } catch (DataError const& error) {
      if (first) mine.problems.push_back({"manifest.jsonl", error.what()});
      return;
    }
    if (first) check_files(run, manifest, mine);
    int turn = 0;
    for (auto const& [path, entry] : manifest.entries()) {
      if (turn++ % comm.size() != comm.rank()) continue;
      try {
        check_entry(run, entry, mine.problems);
      } catch (Error const& error) {
        mine.problems.push_back({path, error.what()});
      } catch (std::filesystem::filesystem_error const& error) {
        mine.problems.push_back({path, fmt::format("{}; check the file system", error.what())});
      }
    }
  });
  nlohmann::json problems = nlohmann::json::array(), strangers = nlohmann::json::array();
  for (auto const& problem : mine.problems) problems.push_back({problem.path, problem.message});
  for (auto const& path : mine.strangers) strangers.push_back({path});
  Verification all;
  for (auto const& row : gather(comm, problems)) all.problems.push_back({row[0], row[1]});
  for (auto const& row : gather(comm, strangers)) all.strangers.push_back(row[0]);
  return all;
}

}  // namespace moerae::store
