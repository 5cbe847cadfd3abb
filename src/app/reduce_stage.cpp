#include <spdlog/spdlog.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/context.hpp"
#include "app/options/print.hpp"
#include "moerae/base/log.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/reduce/reduce.hpp"
#include "moerae/store/stage_dir.hpp"

namespace moerae {
namespace {

// With several records in one run: the one that this study's keys describe. Empty: reduce finds the only one
// itself.
std::filesystem::path matching_record(std::filesystem::path const& run, Study const& study) {
  auto const records = store::list_stages(run, "record");
  if (records.size() < 2) return {};
  nlohmann::json wanted{{"corpus.sets", study.corpus.sets},
                        {"grid.expert", study.grid.expert},
                        {"grid.exchange", study.grid.exchange},
                        {"record.routing", study.record.routing},
                        {"record.logits", study.record.logits},
                        {"record.batch_tokens", study.record.batch_tokens},
                        {"record.shard_prompts", study.record.shard_prompts}};
  if (study.record.precision != "auto") wanted["record.precision"] = study.record.precision;
  if (study.model.dtype != "auto") wanted["model.dtype"] = study.model.dtype;
  std::filesystem::path found;
  int matches = 0;
  for (auto const& record : records) {
    bool same = true;
    for (auto const& [key, value] : wanted.items())
      same = same && record.inputs.contains(key) && nlohmann::json(record.inputs.at(key)) == value;
    if (same) found = record.path;
    matches += same;
  }
  validate<ConfigError>(matches == 1,
                        "{}: {} of its {} records fit the [model], [grid], [corpus] and [record] keys of "
                        "this study, so it is not clear "
                        "which one to reduce; give the keys it was recorded with",
                        run.string(), matches, records.size());
  return found;
}

}  // namespace

ExitCode run_reduce_stage(Context const& context, Study const& study) {
  ReduceInputs in;
  in.run = study.run.dir;
  in.from = study.run.from;
  in.options = {study.run.seed, study.ses, study.contrast, study.reduce, study.select};
  in.provenance = context.provenance("", study);
  mpi::agree(context.world,
             [&] { in.record_dir = matching_record(in.from.empty() ? in.run : in.from, study); });
  auto const result = run_reduce(context.world, in);
  if (result.nothing_new) spdlog::info("reduce: nothing to do, {} is up to date", result.dir.string());
  if (context.world.rank() == 0)  // for scripts: other keys have other folders
    std::fputs((result.dir.string() + "\n").c_str(), stdout);
  return ExitCode::complete;
}

}  // namespace moerae
