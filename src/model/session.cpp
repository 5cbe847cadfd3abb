#include "moerae/model/session.hpp"

#include <ATen/Parallel.h>

#include <cstdlib>

#include "model/weights_hash.hpp"
#include "moerae/model/threads.hpp"
#include "moerae/model/torch_error.hpp"
#include "moerae/mpi/agree.hpp"

namespace moerae {
namespace {

// Ranks of a host share the CPUs they may use unless OMP_NUM_THREADS says otherwise.
void set_threads(mpi::Comm const& world) {
  // MKL otherwise sums products of 5 to 11 rows in an order that depends on the number of threads, and so on
  // the data width; read by MKL at its first use
  ::setenv("MKL_CBWR", "AUTO,STRICT", /*overwrite=*/0);
  auto const share = threads_of_rank(world.on_this_host());
  if (!std::getenv("OMP_NUM_THREADS")) at::set_num_threads(share);
}

ExpertShare share_of(mpi::Grid const& grid, ModelSource const& source) {
  return {source.plan.router().experts, grid.expert_width, grid.member};
}

LoadedWeights load(mpi::Comm const& world, mpi::Grid const& grid, ModelSource const& source, Head head) {
  set_threads(world);
  LoadedWeights loaded;
  mpi::agree(world, [&] {
    with_torch_errors([&] {
      loaded = load_weights(source.plan, source.checkpoint, {torch::kCPU, torch_dtype(source)},
                            share_of(grid, source), head);
    });
  });
  return loaded;
}

}  // namespace

std::string resolve_dtype(std::string const& asked, std::string const& stored) {
  if (asked != "auto") return asked;
  return stored == "bfloat16" ? "bfloat16" : "float32";
}

torch::Dtype torch_dtype(ModelSource const& source) {
  return source.dtype == "bfloat16" ? torch::kBFloat16 : torch::kFloat32;
}

ModelSource open_model(std::filesystem::path const& folder, std::string const& dtype) {
  ModelSource source{read_plan(folder), Checkpoint::open(folder), {}};
  source.plan = source.checkpoint.fit(std::move(source.plan));
  source.dtype = resolve_dtype(dtype, source.plan.dtype);
  return source;
}

int Session::threads() {
  return at::get_num_threads();
}

Session::Session(mpi::Comm const& world, mpi::Grid const& grid, ModelSource const& source, Head head)
    : source_(source),
      loaded_(load(world, grid, source, head)),
      checkpoint_hash_(combine_hashes(grid.experts, loaded_.hashes)),
      weights_hash_(checkpoint_hash_),
      group_(grid.experts, source.plan.router().experts) {}

}  // namespace moerae
