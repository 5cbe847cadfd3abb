#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "app/study.hpp"
#include "moerae/corpus/corpus.hpp"
#include "moerae/store/stage_dir.hpp"

namespace moerae {

/// Refuses a run directory that holds another study: a corpus or a record of another corpus or model. Reads
/// only. `stage` has the inputs "model" and "corpus". Throws ConfigError.
void check_same_study(std::filesystem::path const& run, store::StageDir const& stage);

/// Refuses weights that differ from those behind the finished shards: the fingerprint of a checkpoint sees
/// the start of every tensor only. One shard stands for all, each was compared when it was made. Throws
/// ConfigError.
void check_same_weights(store::StageDir const& stage, std::set<std::int32_t> const& done,
                        std::string const& weights_hash);

/// Rank 0 only. Creates the folder of the run with study.ini and its copy of the corpus, removes what killed
/// writers left, lists what they published, and creates the stage. Repeating it changes nothing.
void prepare_run(Study const& study, Corpus const& corpus, store::StageDir& stage);

/// Shards 0 .. shards-1 that are listed in the manifest and lie complete in the folder. DataError names a
/// shard that is listed but has another size than when it was published; one that was deleted is recorded
/// anew.
[[nodiscard]] std::set<std::int32_t> finished_shards(std::filesystem::path const& run,
                                                     store::StageDir const& stage, std::size_t shards);

}  // namespace moerae
