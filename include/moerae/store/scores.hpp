#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "moerae/store/file.hpp"

namespace moerae::store {

/// A permutation test of every expert: what was tested, and what came out.
struct ScoreTest {
  std::string statistic;
  std::size_t units = 0, pairs = 0, movable = 0;
  double smallest_p = 1;                        ///< that the permutations can reach
  std::string refused = {};                     ///< why there are no p values; empty where there are
  std::int64_t permutations = 0;                ///< 0 when refused
  double lambda = 0;                            ///< of the bound on true discoveries; 0: none
  std::vector<double> p_adjusted = {}, q = {};  ///< [L*K]; empty when refused
};

/// What one criterion says of every expert for one comparison, in contrast/<criterion>/<of>/.
struct StoredScore {
  std::string criterion, of;
  std::string positions;                            ///< of the tokens that count
  std::vector<double> values;                       ///< [L*K]
  std::vector<double> divergence = {};              ///< [L] nats; empty: none
  std::shared_ptr<ScoreTest const> test = nullptr;  ///< null: none was asked for
};

/// Writes a file of scores, whichever stage makes them: scales `layer` (decoder indices) and `expert`, and
/// datasets on them. `file` must outlive it.
class ScoreFile {
 public:
  ScoreFile(File& file, std::vector<std::int32_t> const& layers, std::int32_t experts);

  /// score, divergence, p_adjusted, q; the facts of the test are attributes of the score.
  void write(StoredScore const& score);
  void per_expert(std::string const& name, std::vector<double> const& values);  ///< [L*K]
  void per_layer(std::string const& name, std::vector<double> const& values);   ///< [L]
  /// <name>/size [n] and <name>/values [n, L*K].
  void by_size(std::string const& name, std::string const& values_name,
               std::vector<std::int32_t> const& sizes, std::vector<double> const& values);

 private:
  void attach(std::string const& name, unsigned axis);
  void write_test(std::string const& folder, ScoreTest const& test);
  File& file_;
  std::uint64_t layers_, experts_;
};

/// The contrasts of a score file.
struct StoredScores {
  std::vector<std::int32_t> layers;  ///< [L] decoder indices, ascending
  std::int32_t experts = 0;
  std::vector<StoredScore> scores;  ///< by criterion and comparison, ascending
};

/// DataError naming file and dataset: no scales, a score of other experts, a number that is not finite, a
/// test without its values.
[[nodiscard]] StoredScores read_scores(std::filesystem::path const& path);

}  // namespace moerae::store
