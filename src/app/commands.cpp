#include "app/commands.hpp"

#include "app/context.hpp"
#include "app/options/print.hpp"
#include "app/sweep/options.hpp"

namespace moerae {
namespace {

std::string defaults(CommandLine const&) {
  return print_defaults();
}

std::string show(CommandLine const& line) {
  return print_values(read_study(line.study), line.keys);
}

std::string status_help() {
  return "  --json, --csv      for programs\n"
         "  --watch[=SECONDS]  again every 10 seconds, until all is complete\n\n"
         "RUN is a run directory or its study, SWEEP the folder of a sweep (sweep.dir) or its file. Exit "
         "code: 0 all of it is complete,\n75 it is not, 1 something has failed.\n";
}

}  // namespace

std::span<Command const> commands() {
  using Takes = Command::Takes;
  static Command const table[] = {
      {"plan",
       "what a study will do: parameters, shards, grid, memory per rank, bytes to be written; runs nothing",
       run_plan, Takes::study, stage::plan},
      {"record", "forward passes over the corpus; routing and usage to HDF5; repeating the command resumes",
       run_record, Takes::study, stage::record, true},
      {"attribute",
       "what masking each expert does to the margin between refusing and complying, prompt by prompt: causal "
       "scores for `reduce`",
       run_attribute, Takes::study, stage::attribute, true},
      {"reduce", "SES, contrasts and ESFT over the record: scores and expert sets", run_reduce_stage,
       Takes::study, stage::reduce, true},
      {"evaluate",
       "replies to the held-out prompts with chosen experts masked, steered, forced or scaled, and with "
       "their controls",
       run_evaluate, Takes::study, stage::evaluate, true},
      {"tune",
       "trains chosen experts alone, the rest frozen, distributed: an adapter; repeating the command resumes",
       run_tune, Takes::study, stage::tune, true},
      {"export",
       "what `tune` trained as a merged checkpoint, as its changed tensors or for PEFT, where it refuses "
       "no less than before",
       run_export, Takes::study, stage::tune | stage::exports},
      {"sweep",
       "a study with lists of values to one study for each combination: what is shared, what every "
       "job takes; runs nothing",
       run_sweep, Takes::study, stage::none, false, print_sweep_keys},
      {"status",
       "how far the stages of runs and sweeps are, with rate, time left, job and last error; exit code "
       "0 only when all is complete",
       run_status, Takes::words, stage::none, false, status_help},
      {"verify", "every file of a run against its manifest", run_verify, Takes::study, stage::verify},
      {"show", "values of keys of a study, one a line; paths as the program resolves them", show,
       Takes::keys},
      {"defaults", "all keys with help and defaults, as a study file", defaults},
      {"info", "build, torch, MPI, HDF5, CPU and GPU", run_info},
  };
  return table;
}

}  // namespace moerae
