#include "moerae/run/folder.hpp"

#include <nlohmann/json.hpp>

#include "moerae/base/check.hpp"
#include "moerae/store/content_hash.hpp"
#include "moerae/store/file.hpp"
#include "moerae/store/manifest.hpp"
#include "moerae/store/publish.hpp"

namespace moerae::run {
namespace fs = std::filesystem;

RunFolder::RunFolder(fs::path dir, std::string const& stage, nlohmann::ordered_json const& inputs)
    : dir_(std::move(dir)), stage_(store::find_stage(dir_, stage, inputs)) {
  check_same_study();
}

void RunFolder::check_same_study() const {
  for (auto const& other : store::list_stages(dir_, stage_.stage))
    for (auto const* what : {"model", "corpus"}) {
      auto const theirs =
          other.inputs.contains(what) ? other.inputs.at(what) : nlohmann::ordered_json("none");
      validate<ConfigError>(theirs == stage_.inputs.at(what),
                            "run.dir = {}: {} was made with another {} ({}, not {}); it belongs to another "
                            "study and nothing in it is overwritten: choose another run.dir",
                            dir_.string(), other.path.filename().string(), what, theirs.dump(),
                            stage_.inputs.at(what).dump());
    }
  auto const copy = dir_ / "corpus.h5";
  if (!fs::exists(copy)) return;
  auto const theirs = store::content_hash(copy);
  validate<ConfigError>(theirs == stage_.inputs.at("corpus").get<std::string>(),
                        "run.dir = {}: its corpus.h5 is another one (content {}, not {}); nothing in it is "
                        "overwritten: choose another run.dir",
                        dir_.string(), theirs, stage_.inputs.at("corpus").get<std::string>());
}

void RunFolder::check_same_weights(Unit const& finished, std::string const& weights_hash) const {
  auto const path = path_of(finished.files.front());
  auto const theirs = store::File::open(path).string_attribute("/", "weights_hash");
  validate<ConfigError>(
      theirs == weights_hash,
      "{}: was made with the weights {}, but model.path holds the weights {}; results of two models would "
      "be mixed: restore the checkpoint, or choose another run.dir",
      path.string(), theirs, weights_hash);
}

void RunFolder::prepare(std::string const& study, fs::path const& corpus, std::span<Unit const> units) {
  fs::create_directories(dir_);
  store::remove_stale_temporaries(dir_, store::Depth::folder);
  store::remove_stale_temporaries(stage_.path, store::Depth::below);
  (void)store::adopt(dir_);
  auto manifest = store::Manifest::read(dir_);
  auto const publish_listed = [&](fs::path const& path, char const* owner, auto const& write) {
    if (!fs::exists(path)) write(path);
    auto const entry = store::make_entry(dir_, path, owner);
    if (auto const* listed = manifest.find(entry.path); !listed || !(*listed == entry))
      manifest.append(entry);
  };
  if (!fs::exists(dir_ / "corpus.h5"))
    publish_listed(dir_ / "corpus.h5", "corpus", [&](fs::path const& path) {
      store::publish(path, [&](fs::path const& temporary) { fs::copy_file(corpus, temporary); });
    });
  auto const ini = dir_ / "study.ini";
  if (fs::exists(ini) && store::read_text(ini) != study) fs::remove(ini);
  publish_listed(ini, "study", [&](fs::path const& path) { store::write_text(path, study); });
  std::size_t files = 0;
  for (auto const& unit : units) files += unit.files.size();
  stage_.extra["units"] = units.size();
  stage_.extra["files"] = files;
  store::create_stage(stage_);
  publish_listed(stage_.path / "stage.json", stage_.stage.c_str(), [](fs::path const&) {});
}

UnitSet RunFolder::finished(std::span<Unit const> units) const {
  auto const manifest = store::Manifest::read(dir_);
  UnitSet done;
  for (std::size_t i = 0; i < units.size(); ++i) {
    bool whole = true;
    for (auto const& file : units[i].files) {
      auto const path = path_of(file);
      auto const standing = store::standing_of(manifest, dir_, path, store::Look::at_size);
      validate<DataError>(
          standing != store::Standing::changed,
          "{}: has another size than when it was published; the file is damaged: delete it and "
          "repeat this command",
          path.string());
      whole = whole && standing == store::Standing::whole;
    }
    if (whole) done.insert(i);
  }
  return done;
}

}  // namespace moerae::run
