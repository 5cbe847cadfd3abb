#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "moerae/store/file.hpp"
#include "reduce/usage/usage_table.hpp"

namespace moerae {

struct TopicRule {
  std::size_t min_clusters = 6;  ///< of a topic in a group, for the topic to be looked at
  std::size_t max_topics = 12;   ///< the largest of each group
  std::uint32_t splits = 20;     ///< random halves, for noise floor and intervals
  std::size_t max_pairs = 600;   ///< single clusters with prompts in both groups
  std::uint64_t seed = 0;
};

/// What the topic x behaviour table is made of (after RASET, arXiv 2605.29708): activations of the clusters
/// of each topic, of random halves of them, and of single clusters that stand in both groups. Divergences,
/// overlaps, noise floors and intervals are arithmetic on them, in analysis/moerae/topic_behaviour.py. Halves
/// and the choice of single clusters are keyed by (seed, cluster id): tiles and ranks do not matter.
class TopicCounts {
 public:
  /// Clusters, topics and tokens of the two groups; of the counts nothing is read. `whole`: the experts of
  /// the model.
  TopicCounts(UsageTable const& a, UsageTable const& b, ExpertSpace whole, TopicRule const& rule);

  /// Tables of the same clusters in some layers that were not added yet.
  void add(UsageTable const& a, UsageTable const& b);

  /// FOLDER/{a,b}/ with attributes `name` and `with_topic` (clusters of a known topic):
  ///   topic [T], clusters [T+1], tokens [T+1, S+1], count [T+1, S+1, L, K]; the first of T+1 cells is all
  ///   clusters, the others one topic each; the first of S+1 parts is all clusters of the cell, the others
  ///   those in the first half of a split
  /// FOLDER/pairs/, in random order: cluster [M], topic [2, M] (-1 unknown), tokens [2, M], count [2, M, L,
  /// K]. Attributes of FOLDER: top_k, min_clusters. The scales `layer` and `expert` must be in the file.
  void write(store::File& file, std::string const& folder) const;

 private:
  struct SetSums {
    std::string name;
    std::vector<std::int32_t> topics;        // [T] ascending
    std::vector<std::size_t> cell_of;        // [C] 1 + index of the topic; 0: of another topic, or unknown
    std::vector<std::vector<bool>> in_part;  // [S+1, C]
    std::vector<std::int64_t> clusters;      // [T+1]
    std::vector<std::int64_t> tokens;        // [T+1, S+1]
    std::vector<std::uint32_t> count;        // [T+1, S+1, L*K]
    std::int64_t with_topic = 0;
  };
  struct Pairs {
    std::vector<std::int64_t> cluster;            // [M]
    std::array<std::vector<std::size_t>, 2> row;  // [M]
    std::vector<std::int32_t> topic;              // [2, M]
    std::vector<std::int64_t> tokens;             // [2, M]
    std::vector<std::uint32_t> count;             // [2, M, L*K]
  };
  void set_sums(UsageTable const& table, SetSums& sums) const;

  ExpertSpace space_;
  TopicRule rule_;
  std::array<SetSums, 2> sums_;
  Pairs pairs_;
};

}  // namespace moerae
