#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "moerae/base/progress.hpp"
#include "moerae/mpi/comm.hpp"
#include "reduce/contrast/criteria.hpp"
#include "reduce/resampling/replicates.hpp"
#include "reduce/stability/stability.hpp"
#include "reduce/stability/top_counter.hpp"

namespace moerae {

/// Stability selection fed with tiles of whole layers, ascending, so that no table of the whole model is
/// needed. `comm` is kept by reference. The result does not depend on the tiles or the number of ranks.
/// With scope layer a layer is done when it was added. With scope model every replicate keeps its best
/// experts so far, as many as the largest top N.
class StabilityStream {
 public:
  /// `space`: of the whole model. `comm` must outlive the object. Collective; throws AgreedError as top_of,
  /// and (bad configuration) where the best experts of this rank's replicates are more than `bytes`.
  StabilityStream(mpi::Comm const& comm, ExpertSpace space, StabilityRule rule, std::uint64_t seed,
                  std::string const& what, std::size_t bytes = std::size_t{1} << 30);

  /// Usage of all clusters in some layers. Collective. Throws AgreedError (bad configuration) with fewer than
  /// 2 clusters.
  void add(UsageTable const& tile);

  /// A contrast in some layers: `score` is evaluated in every replicate, some whole layers at a time.
  /// Resampled are the clusters of both groups together: a pair is drawn or left out as a whole. Bootstrap: a
  /// cluster drawn twice stands in the tables twice, under ids of its own. `tile.same_token` is drawn from,
  /// too: its expectations stay those of all tokens. Collective. Throws AgreedError (bad configuration) where
  /// a replicate leaves a group without a cluster; what `score` throws is agreed on.
  void add(Comparison const& tile, ContrastFunction score);

  /// Collective, once, when all layers were added.
  [[nodiscard]] Stability finish();

 private:
  using Visit = std::function<void(std::size_t start, std::span<std::int64_t const> replicates)>;
  void check(ExpertSpace const& tile) const;
  void each_block(std::size_t clusters, Visit const& visit) const;
  void take(std::size_t replicate, std::size_t first_layer, std::span<double const> keys);
  [[nodiscard]] std::vector<double> keys_of(ContrastFunction score, Comparison const& drawn,
                                            std::int64_t replicate) const;
  void added(ExpertSpace const& tile);

  mpi::Comm const& comm_;
  Stability result_;
  std::optional<TopCounter> counter_;
  ReplicateWeights weights_;
  std::vector<std::int64_t> mine_;            // replicates of this rank
  std::size_t done_ = 0;                      // layers
  std::vector<std::vector<Candidate>> best_;  // scope model: by replicate of this rank
  Progress progress_;
};

}  // namespace moerae
