#pragma once

#include "app/context.hpp"
#include "moerae/mpi/grid.hpp"
#include "moerae/run/folder.hpp"

namespace moerae {

/// Makes the folder of a long stage, on rank 0, and opens this rank's log: what is done before the first
/// weight is read. Returns the units that are done. Collective; throws the agreed error.
[[nodiscard]] run::UnitSet prepare_stage(Context const& context, Study const& study, run::RunFolder& folder,
                                         std::filesystem::path const& corpus,
                                         std::vector<run::Unit> const& units);

/// What the files of a stage say about their origin, but for what differs from file to file.
[[nodiscard]] store::Provenance stage_provenance(Context const& context, Study const& study,
                                                 std::string const& schema, run::RunFolder const& folder,
                                                 mpi::Grid const& grid);

}  // namespace moerae
