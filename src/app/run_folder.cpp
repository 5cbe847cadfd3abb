#include "app/run_folder.hpp"

#include "app/options/print.hpp"
#include "moerae/base/check.hpp"
#include "moerae/record/shard_writer.hpp"
#include "moerae/store/content_hash.hpp"
#include "moerae/store/file.hpp"
#include "moerae/store/manifest.hpp"
#include "moerae/store/publish.hpp"

namespace moerae {
namespace fs = std::filesystem;

void check_same_study(fs::path const& run, store::StageDir const& stage) {
  for (auto const& other : store::list_stages(run, stage.stage))
    for (auto const* what : {"model", "corpus"}) {
      auto const theirs =
          other.inputs.contains(what) ? other.inputs.at(what) : nlohmann::ordered_json("none");
      validate<ConfigError>(theirs == stage.inputs.at(what),
                            "run.dir = {}: {} was made with another {} ({}, not {}); it belongs to another "
                            "study and nothing in it is "
                            "overwritten: choose another run.dir",
                            run.string(), other.path.filename().string(), what, theirs.dump(),
                            stage.inputs.at(what).dump());
    }
  auto const copy = run / "corpus.h5";
  if (!fs::exists(copy)) return;
  auto const theirs = store::content_hash(copy);
  validate<ConfigError>(theirs == stage.inputs.at("corpus"),
                        "run.dir = {}: its corpus.h5 is another one (content {}, not {}); nothing in it is "
                        "overwritten: choose another "
                        "run.dir",
                        run.string(), theirs, stage.inputs.at("corpus").get<std::string>());
}

void check_same_weights(store::StageDir const& stage, std::set<std::int32_t> const& done,
                        std::string const& weights_hash) {
  if (done.empty()) return;
  auto const path = stage.path / shard_file_name(*done.begin());
  auto const theirs = store::File::open(path).string_attribute("/", "weights_hash");
  validate<ConfigError>(
      theirs == weights_hash,
      "{}: was recorded with the weights {}, but model.path holds the weights {}; routing of "
      "two models would be mixed: restore the checkpoint, or choose another run.dir",
      path.string(), theirs, weights_hash);
}

void prepare_run(Study const& study, Corpus const& corpus, store::StageDir& stage) {
  auto const& run = study.run.dir;
  fs::create_directories(run);
  store::remove_stale_temporaries(run);
  store::remove_stale_temporaries(stage.path);
  (void)store::adopt(run);
  auto manifest = store::Manifest::read(run);
  auto const publish_listed = [&](fs::path const& path, char const* owner, auto const& write) {
    if (!fs::exists(path)) write(path);
    auto const entry = store::make_entry(run, path, owner);
    if (auto const* listed = manifest.find(entry.path); !listed || !(*listed == entry))
      manifest.append(entry);
  };
  if (!fs::exists(run / "corpus.h5"))
    publish_listed(run / "corpus.h5", "corpus", [&](fs::path const& path) {
      store::publish(path, [&](fs::path const& temporary) { fs::copy_file(corpus.path, temporary); });
    });
  auto const text = print_study(study);
  auto const ini = run / "study.ini";
  if (fs::exists(ini) && store::read_text(ini) != text) fs::remove(ini);
  publish_listed(ini, "study", [&](fs::path const& path) { store::write_text(path, text); });
  store::create_stage(stage);
  publish_listed(stage.path / "stage.json", stage.stage.c_str(), [](fs::path const&) {});
}

std::set<std::int32_t> finished_shards(fs::path const& run, store::StageDir const& stage,
                                       std::size_t shards) {
  auto const manifest = store::Manifest::read(run);
  std::set<std::int32_t> done;
  for (std::int32_t id = 0; id < static_cast<std::int32_t>(shards); ++id) {
    auto const path = stage.path / shard_file_name(id);
    auto const* entry = manifest.find(path.lexically_relative(run).generic_string());
    if (!entry || !fs::exists(path)) continue;
    validate<DataError>(
        fs::file_size(path) == entry->bytes,
        "{}: {} bytes, but {} when it was published; the shard is damaged: delete it and repeat this command",
        path.string(), fs::file_size(path), entry->bytes);
    done.insert(id);
  }
  return done;
}

}  // namespace moerae
