#include "reduce/results/write_scores.hpp"

#include "moerae/store/scores.hpp"

namespace moerae {
namespace {

// What the bounds of a selection need, where experts competed, and its path.
void write_rule(store::File& file, store::ScoreFile& out, Score const& row) {
  auto const& stability = *row.frequency;
  auto const& rule = stability.rule;
  file.set_attribute(row.stored, "top", stability.top);
  file.set_attribute(row.stored, "scope", word_of(scope_words, rule.scope));
  file.set_attribute(row.stored, "threshold", rule.threshold);
  file.set_attribute(row.stored, "samples", rule.samples);
  out.by_size("ses/" + row.of + "/path", "frequency", stability.sizes, stability.path_frequency());
}

}  // namespace

void write_scores(std::filesystem::path const& path, Scores const& scores,
                  store::Provenance const& provenance) {
  auto file = store::File::create(path);
  store::ScoreFile out(file, scores.space.layers, scores.space.experts);
  for (auto const& row : scores.rows) {
    if (row.signs)
      out.write({row.criterion, row.of, row.positions, row.values, row.divergence, row.significance});
    else if (!row.stored.empty())
      out.per_expert(row.stored, row.values);
    if (row.frequency) write_rule(file, out, row);
  }
  for (auto const& [set, use] : scores.sets) {
    if (use.interval.low.empty()) continue;
    out.per_expert("ses/" + set + "/usage", activation_probability(use.total));
    out.per_expert("ses/" + set + "/usage_low", use.interval.low);
    out.per_expert("ses/" + set + "/usage_high", use.interval.high);
  }
  if (!scores.largest.empty()) {
    out.per_expert("super/largest_output", scores.largest);
    std::vector<double> is_super(scores.largest.size(), 0);
    for (auto const e : scores.supers) is_super[e] = 1;
    out.per_expert("super/is_super", is_super);
  }
  for (auto const& [comparison, counts] : scores.topics) counts.write(file, "topic_behaviour/" + comparison);
  for (auto const& [comparison, rows] : scores.replication) write_replication(file, comparison, rows);
  store::write_provenance(file, provenance);
  store::mark_complete(file);
  file.close();
}

}  // namespace moerae
