#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "moerae/reduce/usage/usage_table.hpp"

namespace moerae {

struct TopicRule {
  std::size_t min_clusters = 6;  ///< of a topic in a group, for the topic to be looked at
  std::size_t max_topics = 12;   ///< the largest of each group
  std::uint32_t splits = 20;     ///< random halves, for noise floor and intervals
  std::size_t max_pairs = 2000;  ///< of the rows of single clusters
  std::uint64_t seed = 0;
};

/// The clusters of one topic in one group, or all of a group.
struct Cell {
  std::size_t side = 0;   ///< 0 group a, 1 group b
  std::size_t topic = 0;  ///< index into TopicDesign::topics[side]; past the end: all clusters
};

/// One cluster in one group.
struct ClusterRef {
  std::size_t side = 0, row = 0;
};

/// What a row of the table compares.
struct RowFacts {
  std::string name, of;                        ///< "topic_changed_a"; a sentence for people
  std::size_t comparisons = 0;                 ///< that its figures are means of
  std::array<double, 2> clusters{}, tokens{};  ///< of the two sides, mean over the comparisons
};
struct PooledDesign {
  RowFacts facts;
  std::vector<std::pair<Cell, Cell>> comparisons;
};
struct PairDesign {
  RowFacts facts;
  /// Independent units: no cluster stands in two. Of a unit the mean over its comparisons counts.
  std::vector<std::vector<std::pair<ClusterRef, ClusterRef>>> units;
};

/// Which clusters are compared with which: decided once for the whole model, from ids, topics and tokens.
struct TopicDesign {
  std::uint32_t splits = 0;
  std::array<std::vector<std::int32_t>, 2> topics;             ///< by group, ascending
  std::array<std::vector<std::size_t>, 2> topic_of;            ///< by group and row: index, or past the end
  std::vector<std::array<std::vector<std::uint8_t>, 2>> half;  ///< by split, group and row: 0 or 1
  std::vector<PooledDesign> pooled;
  std::vector<PairDesign> pairs;
  std::vector<std::string> absent;  ///< "row: why it cannot be formed"
};

/// Throws std::logic_error when a cluster has no token.
[[nodiscard]] TopicDesign design_topics(UsageTable const& a, UsageTable const& b, TopicRule const& rule);

/// Disjoint pairs out of clusters with topics [n, groups], taken in the given order: of the same topic in
/// both groups, or of different topics in both. A cluster of unknown topic is in none.
[[nodiscard]] std::vector<std::pair<std::size_t, std::size_t>> pair_clusters(
    std::vector<std::array<std::int32_t, 2>> const& topics, bool same_topic);

/// The rows of single clusters, and why others are not there; parts of design_topics.
void design_pairs(UsageTable const& a, UsageTable const& b, TopicRule const& rule, TopicDesign& design);

}  // namespace moerae
