#pragma once

#include <memory>
#include <vector>

#include "reduce/contrast/contrast_statistic.hpp"

namespace moerae {

/// T = (p_a - p_b) / SE, p_g = sum y / sum n over the clusters of a group (y usage, n tokens): the difference
/// of two ratio estimators over its standard error over clusters under the null hypothesis of one rate p0 =
/// (sum y_a + sum y_b) / (sum n_a + sum n_b), as in a score test:
///   SE^2 = sum over clusters of (r_a / N_a - r_b / N_b)^2,  r_g = y_g - p0 n_g
/// where r_g is 0 for a cluster that is not in group g, N_g the tokens of the group. About p0, not about each
/// group's own rate: an expert that one group always selects and the other never has no variance within the
/// groups, and would be left out. With own rates the same sum is the usual linearised variance (Cochran,
/// Sampling Techniques, 6.4). T = 0 where SE = 0: usage is the same share of the tokens in all clusters.
///
/// r does not change with the labels; all sums are integers and linear in them. Counts are exact (gate mass:
/// to 30 bits of the expert's largest); r enters SE with 22 bits of the expert's largest: T is right to six
/// digits or more, and has the same bits everywhere. Throws ConfigError above 250,000 clusters.
[[nodiscard]] std::unique_ptr<Statistic> studentised(Comparison const& groups, Relabelling const& exchange);
/// Of the gate weight instead of the activations.
[[nodiscard]] std::unique_ptr<Statistic> studentised_mass(Comparison const& groups,
                                                          Relabelling const& exchange);
/// Of what `groups.same_token` holds: usage beyond what the token ids explain. Clusters that have no row
/// there keep their label and contribute nothing.
[[nodiscard]] std::unique_ptr<Statistic> studentised_same_token(Comparison const& groups,
                                                                Relabelling const& exchange);

/// The statistic [L*K] of the groups as they are: the score of the criterion of the same name.
[[nodiscard]] std::vector<double> observed_statistic(MakeStatistic make, Comparison const& groups);

}  // namespace moerae
