#include <algorithm>
#include <cmath>

#include "moerae/base/check.hpp"
#include "moerae/reduce/scores.hpp"
#include "moerae/reduce/set_requests.hpp"
#include "moerae/reduce/stability_stream.hpp"

namespace moerae {
namespace {

void append(std::vector<double>& all, std::vector<double> const& part) {
  all.insert(all.end(), part.begin(), part.end());
}

void add_stability(mpi::Comm const& comm, ReducePlan const& plan, ContrastPass const& pass,
                   UsageStream& usage, Scores& scores) {
  for (auto const& [criterion, pair] : pass.contrasts) {
    if (!plan.contrast_stability || criterion->name != plan.contrast_stability->score) continue;
    auto const name = stability_name(*plan.contrast_stability, pair);
    StabilityStream stream(comm, scores.space, *plan.contrast_stability, plan.seed, "resampling " + name);
    while (!stream.done())
      usage.each([&](UsageTile const& tile) { stream.add(tile.compare(pair.a, pair.b), criterion->score); });
    scores.ses.emplace(name, stream.finish());
  }
}

void add_pass(mpi::Comm const& comm, ReducePlan const& plan, ContrastPass const& pass,
              CheckedRecord const& record, Scores& scores) {
  UsageStream usage(comm, record,
                    {.usage = {pass.sets, pass.positions, plan.clusters, plan.seed},
                     .same_token = pass.same_token,
                     .tile_bytes = plan.bytes});
  add_stability(comm, plan, pass, usage, scores);
  usage.each([&](UsageTile const& tile) {
    for (auto const& [criterion, pair] : pass.contrasts)
      append(scores.contrasts[{std::string(criterion->name), versus(pair)}].score,
             criterion->score(tile.compare(pair.a, pair.b)));
  });
}

// More in a than in every other set: the smallest of the scores.
ContrastScores against_all(std::string const& criterion, ContrastOptions::Pair const& groups,
                           Scores const& scores) {
  ContrastScores out;
  for (auto const& pair : groups.parts()) {
    auto const& part = scores.contrasts.at({criterion, versus(pair)});
    if (out.score.empty()) out.score = part.score;
    for (std::size_t e = 0; e < out.score.size(); ++e) out.score[e] = std::min(out.score[e], part.score[e]);
  }
  return out;
}

}  // namespace

void add_contrasts(mpi::Comm const& comm, ReducePlan const& plan, CheckedRecord const& record,
                   Scores& scores) {
  for (auto const& pass : plan.passes) add_pass(comm, plan, pass, record, scores);
  for (auto const& groups : plan.groups)
    for (auto const* criterion : plan.criteria)
      if (std::string const name(criterion->name); groups.several() && planned(plan.passes, name, groups))
        scores.contrasts[{name, versus(groups)}] = against_all(name, groups, scores);
}

}  // namespace moerae
