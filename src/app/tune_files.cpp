#include "app/tune_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/collective.hpp"
#include "moerae/store/artefacts.hpp"
#include "moerae/store/manifest.hpp"

namespace moerae {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t generations = 2;

// Whole ones of a folder, newest first.
std::vector<fs::path> checkpoints_in(fs::path const& folder, std::string const& stage_hash) {
  std::vector<fs::path> found;
  for (auto const& entry : fs::directory_iterator(folder)) {
    auto const name = entry.path().filename().string();
    if (!name.starts_with("step-") || !name.ends_with(".h5") || !store::is_complete(entry.path())) continue;
    if (store::AdapterReader::open(entry.path()).stage_hash() == stage_hash) found.push_back(entry.path());
  }
  std::ranges::sort(found, std::ranges::greater{});
  return found;
}

}  // namespace

std::optional<fs::path> TuneFiles::newest() const {
  std::string name;
  mpi::agree(world_, [&] {
    if (world_.rank() != 0) return;
    if (auto const found = checkpoints_in(folder_.stage().path, folder_.stage().hash); !found.empty())
      name = found.front().filename().string();
  });
  name = mpi::broadcast(world_, name);
  if (name.empty()) return {};
  return folder_.path_of(name);
}

void TuneFiles::save(Trainer const& trainer) const {
  auto const result = trainer.result(/*with_optimiser=*/true);
  mpi::agree(world_, [&] {
    if (world_.rank() != 0) return;
    auto origin = origin_;
    origin.created_utc = store::utc_now();
    store::write_adapter(folder_.path_of(fmt::format("step-{:06d}.h5", trainer.steps())), result.info,
                         result.tensors, origin);
    auto const found = checkpoints_in(folder_.stage().path, folder_.stage().hash);
    for (std::size_t i = generations; i < found.size(); ++i) fs::remove(found[i]);
  });
}

void TuneFiles::finish(Trainer::Result const& result) const {
  mpi::agree(world_, [&] {
    if (world_.rank() != 0) return;
    auto const path = folder_.path_of("adapter.h5");
    auto origin = origin_;
    origin.created_utc = store::utc_now();
    store::write_adapter(path, result.info, result.tensors, origin);
    store::Manifest::read(folder_.dir()).append(store::make_entry(folder_.dir(), path, "tune"));
    for (auto const& checkpoint : checkpoints_in(folder_.stage().path, folder_.stage().hash))
      fs::remove(checkpoint);
  });
}

}  // namespace moerae
