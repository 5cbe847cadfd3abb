#pragma once

#include <fmt/format.h>

#include "moerae/store/file.hpp"
#include "moerae/store/manifest.hpp"
#include "moerae/store/provenance.hpp"
#include "moerae/store/stage_dir.hpp"
#include "store/scratch.hpp"

namespace moerae::test {

inline void put_shard(std::filesystem::path const& path, int value, bool complete = true) {
  std::filesystem::create_directories(path.parent_path());
  auto file = store::File::create(path);
  file.write("usage/count", std::vector<std::int32_t>(1000, value), {1000});
  if (complete) store::mark_complete(file);
  file.close();
}

/// A sound run: a corpus, one record of `shards` shards, one expert set, all listed.
inline void put_run(std::filesystem::path const& run, int shards) {
  put_shard(run / "corpus.h5", -1);
  auto stage = store::find_stage(run, "record", {{"model", "m"}});
  store::create_stage(stage);
  for (int i = 0; i < shards; ++i) put_shard(run / fmt::format("record/shard-{:06d}.h5", i), i);
  store::adopt(run);
  put(run / "reduce/sets/a.json", "{\"experts\": []}");
  auto manifest = store::Manifest::read(run);
  manifest.append(store::make_entry(run, run / "reduce/sets/a.json", "reduce"));
}

}  // namespace moerae::test
