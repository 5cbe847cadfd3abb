#include "reduce/results/score.hpp"

#include <algorithm>

#include "moerae/base/check.hpp"
#include "moerae/reduce/usage/super_experts.hpp"
#include "reduce/results/stability_facts.hpp"

namespace moerae {

Score const& Scores::at(std::string_view criterion, std::string_view of) const {
  auto const row = std::ranges::find_if(
      rows, [&](Score const& each) { return each.criterion == criterion && each.of == of; });
  expect(row != rows.end(), "no score {} of {}", criterion, of);
  return *row;
}

Score frequency_score(std::string const& of, std::string const& positions, Stability stability) {
  auto const made = std::make_shared<Stability const>(std::move(stability));
  Score row{"ses", of, positions, made->frequency()};
  for (std::size_t e = 0; e < row.values.size(); ++e)
    if (made->selected(e)) row.members.push_back(e);
  row.stored = "ses/" + of + "/frequency";
  row.rule = rule_of(*made);
  row.evidence["bounds"] = bounds_of(*made);
  row.frequency = made;
  return row;
}

Scores compute_scores(mpi::Comm const& comm, ReducePlan const& plan, CheckedRecord const& record) {
  Scores scores{record.space, record.model_id, record.largest, super_experts(record.space, record.largest)};
  add_usage_scores(comm, plan, record, scores);
  add_contrasts(comm, plan, record, scores);
  return scores;
}

}  // namespace moerae
