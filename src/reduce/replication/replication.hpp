#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "moerae/store/file.hpp"
#include "reduce/contrast/criteria.hpp"
#include "reduce/replication/halves.hpp"

namespace moerae {

/// How far a criterion says the same of two random halves of the clusters.
struct ReplicationRow {
  std::string criterion;
  std::size_t size = 0;                         ///< n of the top n
  std::vector<std::optional<double>> spearman;  ///< [splits]; undefined where a half's score is constant
  std::vector<std::optional<double>> jaccard;   ///< [splits] of the top n of both, undefined likewise
  std::string absent;                           ///< not empty: why there is no figure
};

/// Split-half replication of contrast criteria on one comparison. The model is added by tiles of whole
/// layers; nothing depends on the tiles. Kept: two scores per expert, split and criterion.
class Replication {
 public:
  /// Clusters and topics of the groups; of the counts nothing is read. `criteria` must outlive it.
  Replication(UsageTable const& a, UsageTable const& b, std::vector<ContrastCriterion const*> criteria,
              std::uint32_t splits, std::uint64_t seed);

  /// The next layers. Usage on same tokens keeps what it is measured against: both halves share the
  /// expectations of the whole sample. A criterion that cannot do with a half (ConfigError, DataError) is
  /// absent with that reason.
  void add(Comparison const& tile);

  /// As `criteria`; `size` up to the number of experts.
  [[nodiscard]] std::vector<ReplicationRow> finish(std::size_t size) const;

 private:
  std::vector<ContrastCriterion const*> criteria_;
  std::vector<Halves> splits_;
  std::vector<std::vector<double>> scores_;  // [criteria, splits, 2], each of all experts so far
  std::vector<std::string> absent_;          // by criterion
};

/// replication/<criterion>/<comparison>/{spearman, spearman_defined, jaccard, jaccard_defined} [splits], 0
/// where undefined, with attribute `size` of the group; absent rows are left out.
void write_replication(store::File& file, std::string const& comparison,
                       std::vector<ReplicationRow> const& rows);

}  // namespace moerae
