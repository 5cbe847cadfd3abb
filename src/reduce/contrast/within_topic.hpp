#pragma once

#include <memory>

#include "reduce/contrast/contrast_statistic.hpp"

namespace moerae {

/// Group difference of the usage rate of an expert (activations per token, one row per cluster and group,
/// rows weighing the same) in the least squares on the group, topic fixed effects and log length, as a
/// cluster-robust score statistic:
///   T = sum_c u_c / sqrt(sum_c u_c^2), u_c = sum over the rows of cluster c of g_i y_i,
/// g and y what is left of group and rate after least squares on topics and log length (Frisch-Waugh-Lovell:
/// sum_i g_i y_i / sum_i g_i^2 is the coefficient of the group). A cluster in both groups is one cluster. The
/// variance is that under the null hypothesis (y, not y - beta g, as in the other statistics here), so that
/// an expert which separates the groups without exception has the largest T and not 0/0; |T| <=
/// sqrt(clusters). Topics differ in the experts they use: what is left compares prompts of the same topic.
/// Clusters of unknown topic are one topic. O(N x L*K) a relabelling; no variance: 0.
/// ConfigError where within_topic_obstacle says one.
[[nodiscard]] std::unique_ptr<Statistic> within_topic(Comparison const& groups, Relabelling const& exchange);

/// No topic holds both groups or length tells them apart (the group is then not identified), no cluster has a
/// topic, or there are no more rows than parameters.
[[nodiscard]] std::string within_topic_obstacle(UsageTable const& a, UsageTable const& b);

}  // namespace moerae
