#include <spdlog/spdlog.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/context.hpp"
#include "app/options/inputs.hpp"
#include "moerae/base/log.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/record/shard_record.hpp"
#include "moerae/reduce/reduce.hpp"
#include "moerae/store/stage_dir.hpp"

namespace moerae {
namespace {

// With several records in one run: the one that this study's keys describe. Empty: reduce finds the only one
// itself.
std::filesystem::path matching_record(std::filesystem::path const& run, Study const& study) {
  auto records = store::list_stages(run, "record");
  auto const all = records.size();
  if (all < 2) return {};
  keep_possible(records, stage::record, study, record_method);
  validate<ConfigError>(
      records.size() == 1,
      "{}: {} of its {} records fit the [model], [grid], [corpus] and [record] keys of "
      "this study, so it is not clear which one to reduce; give the keys it was recorded with",
      run.string(), records.size(), all);
  return records.front().path;
}

}  // namespace

ExitCode run_reduce_stage(Context const& context, Study const& study) {
  ReduceInputs in;
  in.run = study.run.dir;
  in.from = study.run.from;
  in.options = study.for_reduce();
  in.inputs = inputs_of(stage::reduce, study, reduce_method, resolved_inputs(in.options));
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
