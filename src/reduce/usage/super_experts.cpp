#include "moerae/reduce/usage/super_experts.hpp"

#include <algorithm>
#include <cmath>

#include "moerae/base/check.hpp"
#include "moerae/record/shard_reader.hpp"
#include "reduce/usage/record_source.hpp"

namespace moerae {
namespace {

double percentile(std::vector<double> const& sorted, double share) {
  double const at = share * static_cast<double>(sorted.size() - 1), below = std::floor(at);
  auto const i = static_cast<std::size_t>(below);
  return sorted[i] + (at - below) * (sorted[std::min(i + 1, sorted.size() - 1)] - sorted[i]);
}

}  // namespace

std::vector<std::size_t> super_experts(ExpertSpace const& space, std::span<double const> largest) {
  std::vector<std::size_t> out;
  if (largest.empty()) return out;
  std::vector<double> sorted(largest.begin(), largest.end());
  std::ranges::sort(sorted);
  double const high = percentile(sorted, .995),
               least = std::max(sorted.back() / 10, massive * percentile(sorted, .5));
  auto const end = space.index((3 * space.layers.size() + 3) / 4, 0);  // of the layers that count
  for (std::size_t e = 0; e < end; ++e)
    if (largest[e] > high && largest[e] >= least) out.push_back(e);
  return out;
}

std::vector<std::size_t> recorded_super_experts(std::filesystem::path const& run,
                                                std::filesystem::path const& record,
                                                ExpertSpace const& space) {
  auto const source = find_record(run, record);
  auto const units = source.stage.extra.find("units");
  validate<ConfigError>(
      units != source.stage.extra.end() && source.shards.size() >= units->get<std::size_t>(),
      "{}: shards are missing, so it is not known which experts are super ones; repeat `moerae "
      "record`, which completes it",
      source.stage.path.string());
  std::vector<double> largest(space.size(), 0);
  for (auto const& entry : source.shards) {
    auto const shard = ShardReader::open(run / entry.path);
    validate<DataError>(shard.space() == space,
                        "{}: has other layers or experts than the model of this study", entry.path);
    auto const seen = shard.largest_output();
    validate<ConfigError>(
        !seen.empty(),
        "{}: does not hold the largest output of every expert, so it is not known which are "
        "super ones; record anew",
        entry.path);
    for (std::size_t e = 0; e < seen.size(); ++e) largest[e] = std::max<double>(largest[e], seen[e]);
  }
  return super_experts(space, largest);
}

}  // namespace moerae
