#include "reduce/replication/replication.hpp"

#include <algorithm>

#include "moerae/base/check.hpp"
#include "reduce/replication/rank_correlation.hpp"
#include "reduce/stability/drawn_comparison.hpp"

namespace moerae {
namespace {

void write_splits(store::File& file, std::string const& name,
                  std::vector<std::optional<double>> const& values) {
  std::vector<double> known;
  std::vector<std::uint8_t> defined;
  for (auto const& value : values) {
    known.push_back(value.value_or(0));
    defined.push_back(value ? 1 : 0);
  }
  file.write(name, known, {known.size()});
  file.write(name + "_defined", defined, {known.size()});
}

}  // namespace

Replication::Replication(UsageTable const& a, UsageTable const& b,
                         std::vector<ContrastCriterion const*> criteria, std::uint32_t splits,
                         std::uint64_t seed)
    : criteria_(std::move(criteria)), scores_(criteria_.size() * splits * 2), absent_(criteria_.size()) {
  for (std::uint32_t split = 0; split < splits; ++split) splits_.push_back(split_halves(a, b, seed, split));
  auto const fewest = std::min(a.clusters.size(), b.clusters.size());
  if (fewest < 4)
    for (auto& reason : absent_)
      reason = fmt::format("{} has {} clusters and {} has {}; halves need 4 in each", a.name,
                           a.clusters.size(), b.name, b.clusters.size());
}

void Replication::add(Comparison const& tile) {
  auto const splits = splits_.size();
  for (std::size_t s = 0; s < splits; ++s)
    for (std::size_t half = 0; half < 2; ++half) {
      if (std::ranges::none_of(absent_, &std::string::empty)) return;
      std::vector<std::int16_t> weights;
      for (bool const second : splits_[s].second) weights.push_back(second == (half == 1) ? 1 : 0);
      auto const part = drawn(tile, splits_[s].clusters, weights);
      auto const groups = part.view();
      for (std::size_t c = 0; c < criteria_.size(); ++c) {
        if (!absent_[c].empty()) continue;
        try {
          auto const score = criteria_[c]->score(groups).score;
          auto& all = scores_[(c * splits + s) * 2 + half];
          all.insert(all.end(), score.begin(), score.end());
        } catch (Error const& error) {
          absent_[c] = fmt::format("not on halves of the clusters: {}", error.what());
        }
      }
    }
}

std::vector<ReplicationRow> Replication::finish(std::size_t size) const {
  std::vector<ReplicationRow> rows;
  for (std::size_t c = 0; c < criteria_.size(); ++c) {
    ReplicationRow row{std::string(criteria_[c]->name), size, {}, {}, absent_[c]};
    for (std::size_t s = 0; s < splits_.size() && row.absent.empty(); ++s) {
      auto const& first = scores_[(c * splits_.size() + s) * 2];
      auto const& second = scores_[(c * splits_.size() + s) * 2 + 1];
      row.spearman.push_back(spearman(first, second));
      row.jaccard.push_back(row.spearman.back() ? jaccard(top_of(first, size), top_of(second, size))
                                                : std::nullopt);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

void write_replication(store::File& file, std::string const& comparison,
                       std::vector<ReplicationRow> const& rows) {
  for (auto const& row : rows) {
    if (!row.absent.empty()) continue;
    auto const folder = "replication/" + row.criterion + "/" + comparison;
    write_splits(file, folder + "/spearman", row.spearman);
    write_splits(file, folder + "/jaccard", row.jaccard);
    file.set_attribute(folder, "size", row.size);
  }
}

}  // namespace moerae
