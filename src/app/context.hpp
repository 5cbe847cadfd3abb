#pragma once

#include <string>

#include "app/command_line.hpp"
#include "app/study.hpp"
#include "moerae/base/check.hpp"
#include "moerae/mpi/comm.hpp"
#include "moerae/store/provenance.hpp"

namespace moerae {

/// What every stage is handed by main.
struct Context {
  mpi::Comm const& world;
  std::string command_line;

  /// What every artefact of this run says about its origin.
  [[nodiscard]] store::Provenance provenance(std::string schema, Study const& study) const;
};

// The stages: `Stage` of command_line.hpp.
ExitCode run_plan(Context const& context, Study const& study);
ExitCode run_record(Context const& context, Study const& study);
ExitCode run_attribute(Context const& context, Study const& study);
ExitCode run_evaluate(Context const& context, Study const& study);
ExitCode run_reduce_stage(Context const& context, Study const& study);
ExitCode run_export(Context const& context, Study const& study);
ExitCode run_tune(Context const& context, Study const& study);
ExitCode run_verify(Context const& context, Study const& study);
ExitCode run_info(Context const& context, Study const& study);

// Commands without MPI: `Local` of command_line.hpp.
ExitCode run_sweep(CommandLine const& line);
ExitCode run_status(CommandLine const& line);

}  // namespace moerae
