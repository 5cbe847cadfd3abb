#include <cstdio>

#include "app/context.hpp"
#include "app/sweep/plan.hpp"
#include "app/sweep/text.hpp"

namespace moerae {

ExitCode run_sweep(CommandLine const& line) {
  auto const plan = plan_sweep(read_sweep(line.study));
  write_sweep(plan);
  // the last line is for scripts
  std::fputs((describe_sweep(plan) + plan.options.dir.string() + "\n").c_str(), stdout);
  return ExitCode::complete;
}

}  // namespace moerae
