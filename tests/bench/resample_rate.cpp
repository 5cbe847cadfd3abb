// Processor seconds of the cluster bootstrap (standard errors of usage) and of a
// permutation test (studentised, max-T, bound on true discoveries) on made usage, one thread.
// resample_vs_scipy.py runs it in turn with scipy on the same integers. Usage: resample_rate
// bootstrap|permutation CLUSTERS [LAYERS of 128 experts = 48] [PERMUTATIONS = 20000]

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <ctime>
#include <numeric>
#include <string>

#include "reduce/contrast/contrast_statistic.hpp"
#include "reduce/contrast/studentised.hpp"
#include "reduce/resampling/replicates.hpp"

namespace {

using namespace moerae;

/// 100 to 200 tokens a cluster; up to 47 selections of an expert. The Python side makes the same.
UsageTable made_usage(std::size_t clusters, std::int32_t layers) {
  UsageTable table;
  table.name = "made";
  table.space = {{}, 128, 8};
  for (std::int32_t l = 0; l < layers; ++l) table.space.layers.push_back(l);
  auto const experts = static_cast<std::uint32_t>(table.space.size());
  table.count.reserve(clusters * experts);
  for (std::uint32_t c = 0; c < clusters; ++c) {
    table.clusters.push_back(c);
    table.tokens.push_back(100 + c * 7919 % 101);
    table.topic.push_back(0);
    table.length.push_back(0);
    for (std::uint32_t e = 0; e < experts; ++e)
      table.count.push_back(((c * 2654435761U + e * 2246822519U) ^ (c * e * 3266489917U)) >> 8 & 47U);
  }
  return table;
}

/// Of this process on its processor: on a shared machine the clock on the wall also counts others.
double seconds(auto const& work) {
  auto const start = std::clock();
  work();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

void print(double took, std::int64_t replicates, std::string const& what, std::vector<double> const& values) {
  fmt::print("{{\"seconds\": {}, \"replicates\": {}, \"{}\": [{}]}}\n", took, replicates, what,
             fmt::join(values, ", "));
}

void bootstrap(UsageTable const& table) {
  constexpr std::size_t replicates = 1999;
  std::vector<std::int64_t> all(replicates);
  std::iota(all.begin(), all.end(), 0);
  std::vector<double> errors;
  auto const took = seconds([&] {
    ReplicateWeights weights(Resampling::bootstrap, 1);
    auto const rows = weights.rows(all, table.clusters);
    std::vector<double> tokens(replicates);
    for (std::size_t r = 0; r < replicates; ++r)
      tokens[r] =
          std::inner_product(table.tokens.begin(), table.tokens.end(),
                             rows.begin() + static_cast<std::ptrdiff_t>(r * table.tokens.size()), 0.0);
    each_layers_sums(table, weights.packed(all, table.clusters),
                     [&](std::size_t, std::size_t n, std::span<std::int64_t const> sums) {
                       std::vector<double> sum(n, 0.0), squares(n, 0.0);
                       for (std::size_t r = 0; r < replicates; ++r)
                         for (std::size_t e = 0; e < n; ++e) {
                           double const rate = static_cast<double>(sums[r * n + e]) / tokens[r];
                           sum[e] += rate;
                           squares[e] += rate * rate;
                         }
                       constexpr double count = replicates;
                       for (std::size_t e = 0; e < n; ++e)
                         errors.push_back(std::sqrt((squares[e] - sum[e] * sum[e] / count) / (count - 1)));
                     });
  });
  errors.resize(8);
  print(took, replicates, "errors", errors);
}

void permutation(UsageTable const& table, std::int64_t permutations) {
  std::vector<std::size_t> first, second;
  for (std::size_t c = 0; c < table.clusters.size(); ++c) (c % 2 == 0 ? first : second).push_back(c);
  auto const a = rows_of(table, first), b = rows_of(table, second);
  Comparison const groups{Group(a), Group(b)};
  ContrastTest const row{"studentised", studentised};
  std::vector<Significance> found;
  auto const took = seconds([&] {
    Relabelling const exchange(a, b, {});
    found = test_contrasts({}, exchange, 1, std::vector{&row}, table.space.size(),
                           [&](auto const& take) { take(groups); }, {.permutations = permutations});
  });
  print(took, permutations, "t", {found[0].t.begin(), found[0].t.begin() + 16});
}

}  // namespace

int main(int argc, char** argv) try {
  std::string const mode = argc > 1 ? argv[1] : "";
  if (argc < 3 || (mode != "bootstrap" && mode != "permutation")) {
    fmt::print(stderr, "usage: resample_rate bootstrap|permutation CLUSTERS [LAYERS] [PERMUTATIONS]\n");
    return 2;
  }
  auto const table =
      made_usage(static_cast<std::size_t>(std::atoll(argv[2])), argc > 3 ? std::atoi(argv[3]) : 48);
  if (mode == "bootstrap")
    bootstrap(table);
  else
    permutation(table, argc > 4 ? std::atoll(argv[4]) : 20000);
  return 0;
} catch (std::exception const& error) {
  fmt::print(stderr, "resample_rate: {}\n", error.what());
  return 1;
}
