#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <H5public.h>
#include <mpi.h>
#include <torch/version.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <ranges>

#include "app/context.hpp"
#include "moerae/attribute/options.hpp"
#include "moerae/base/build_info.hpp"
#include "moerae/model/threads.hpp"
#include "moerae/reduce/names.hpp"

namespace moerae {
namespace {

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

// The instruction sets that decide the speed of matrix products in reduced precision.
std::string matrix_features() {
  std::ifstream file("/proc/cpuinfo");
  std::string out;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("flags")) continue;
    for (auto const* feature : {"avx2", "avx512f", "avx512_bf16", "amx_bf16"})
      if ((line + " ").find(fmt::format(" {} ", feature)) != std::string::npos)
        out += fmt::format(" {}", feature);
    break;
  }
  return out.empty() ? " none of avx2, avx512f, avx512_bf16, amx_bf16" : out;
}

}  // namespace

ExitCode run_info(Context const& context, Study const&) {
  auto const share = threads_of_rank(context.world.on_this_host());  // collective
  if (context.world.rank() != 0) return ExitCode::complete;
  char mpi[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  MPI_Get_library_version(mpi, &length);
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  std::string out;
  auto const line = [&](char const* name, std::string const& value) {
    out += fmt::format("{:<10}{}\n", name, value);
  };
  line("moerae", fmt::format("{}, commit {}{}", build_info::version, build_info::git_commit,
                             build_info::git_dirty ? " with changes" : ""));
  line("build", fmt::format("{}, {}", build_info::compiler, build_info::build_type));
  line("torch", fmt::format("{}, {}, {} thread(s) a rank", TORCH_VERSION, at::get_cpu_capability(),
                            std::getenv("OMP_NUM_THREADS") ? at::get_num_threads() : share));
  line("MPI", fmt::format("{}, {} rank(s)", std::string_view(mpi).substr(0, std::string_view(mpi).find(',')),
                          context.world.size()));
  line("HDF5", fmt::format("{}.{}.{}", major, minor, release));
  line("CPU", fmt::format("{}, {} that a rank may use,{}", cpu_name(), share, matrix_features()));
  line("GPU", at::hasCUDA() ? "seen by torch; this version computes on the CPU only"
                            : "none that this torch can use");
  line("criteria", fmt::format("{}", fmt::join(contrast_criteria(), " ")));
  line("causal", fmt::format("{}", fmt::join(std::views::keys(causal_words), " ")));
  std::fputs(out.c_str(), stdout);
  return ExitCode::complete;
}

}  // namespace moerae
