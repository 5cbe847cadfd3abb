#include <spdlog/spdlog.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/context.hpp"
#include "app/find_stage.hpp"
#include "app/options/inputs.hpp"
#include "moerae/base/log.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/record/shard_record.hpp"
#include "moerae/reduce/reduce.hpp"
#include "moerae/run/journal.hpp"

namespace moerae {
ExitCode run_reduce_stage(Context const& context, Study const& study) {
  ReduceInputs in;
  in.run = study.run.dir;
  in.from = study.run.from;
  in.options = study.for_reduce();
  in.inputs = inputs_of(stage::reduce, study, reduce_method, resolved_inputs(in.options));
  in.provenance = context.provenance("", study);
  mpi::agree(context.world, [&] {
    auto const& run = in.from.empty() ? in.run : in.from;
    in.record_dir = stage_of(run, "record", stage::record, study, record_method);
    in.attribution_dir = stage_of(run, "attribute", stage::attribute, study, attribute_method);
  });
  mpi::agree(context.world, [&] {  // where there is nothing to reduce, no folder is made
    if (context.world.rank() == 0 && !in.record_dir.empty()) run::note_begin(in.run, "reduce", "");
  });
  auto const result = run_reduce(context.world, in);
  if (result.nothing_new) spdlog::info("reduce: nothing to do, {} is up to date", result.dir.string());
  if (context.world.rank() == 0)  // for scripts: other keys have other folders
    std::fputs((result.dir.string() + "\n").c_str(), stdout);
  return ExitCode::complete;
}

}  // namespace moerae
