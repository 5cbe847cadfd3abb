#include <fmt/ranges.h>

#include <cstdio>

#include "app/context.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/store/manifest.hpp"
#include "moerae/store/verify.hpp"

namespace moerae {

ExitCode run_verify(Context const& context, Study const& study) {
  auto const [problems, strangers] = store::verify(study.run.dir, context.world);
  mpi::agree(context.world, [&] {
    std::string text;
    for (auto const& problem : problems) text += fmt::format("\n  {}: {}", problem.path, problem.message);
    validate<DataError>(problems.empty(), "{}: {} problem(s), so its results can not be relied on:{}",
                        study.run.dir.string(), problems.size(), text);
  });
  if (context.world.rank() != 0) return ExitCode::complete;
  std::printf("%s: sound, %zu files as published\n", study.run.dir.c_str(),
              store::Manifest::read(study.run.dir).entries().size());
  if (!strangers.empty())
    std::printf("%zu file(s) that no stage writes and none reads:\n  %s\n", strangers.size(),
                fmt::format("{}", fmt::join(strangers, "\n  ")).c_str());
  return ExitCode::complete;
}

}  // namespace moerae
