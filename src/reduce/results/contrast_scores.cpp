#include <algorithm>
#include <iterator>

#include "moerae/base/check.hpp"
#include "moerae/mpi/agree.hpp"
#include "reduce/plan/set_requests.hpp"
#include "reduce/results/against_all.hpp"
#include "reduce/results/append.hpp"
#include "reduce/results/score.hpp"
#include "reduce/stability/stability_stream.hpp"

namespace moerae {
namespace {

using Pair = ContrastOptions::Pair;

constexpr std::uint32_t replication_splits = 5;

// One reading of the usage, and what is made of it for one pair of sets.
class Reading {
 public:
  Reading(mpi::Comm const& comm, ReducePlan const& plan, ContrastPass const& pass,
          CheckedRecord const& record, Scores& scores)
      : comm_(comm),
        plan_(plan),
        pass_(pass),
        usage_(comm, record,
               {.usage = {pass.sets, pass.positions, plan.clusters, plan.seed, record.attributions},
                .same_token = pass.same_token,
                .tile_bytes = plan.bytes / 2}),
        scores_(scores) {}

  void run() {
    bool const topics = pass_.positions.name == plan_.positions.name;
    for (auto const& pair : plan_.pairs) {
      std::vector<ContrastCriterion const*> criteria;
      for (auto const& contrast : pass_.contrasts)
        if (contrast.pair == pair) criteria.push_back(contrast.criterion);
      if (criteria.empty() && !topics) continue;
      score(pair, criteria, topics);
      stabilise(pair, criteria);
      if (plan_.permutations > 0) test(pair, criteria);
    }
  }

 private:
  using Criteria = std::vector<ContrastCriterion const*>;

  // The row of the criterion, made by its first tile.
  Score& of(ContrastCriterion const& criterion, Pair const& pair) {
    auto const found = std::ranges::find_if(scores_.rows, [&](Score const& row) {
      return row.criterion == criterion.name && row.of == versus(pair);
    });
    if (found != scores_.rows.end()) return *found;
    auto& row =
        scores_.rows.emplace_back(Score{std::string(criterion.name), versus(pair), pass_.positions.name, {}});
    row.signs = true;
    return row;
  }

  void score(Pair const& pair, Criteria const& criteria, bool topics) {
    auto const &a = usage_.facts(pair.a), &b = usage_.facts(pair.b);
    Replication replication(a, b, criteria, replication_splits, plan_.seed);
    TopicCounts* counts = nullptr;  // written by rank 0, so counted there
    mpi::agree(comm_, [&] {
      if (topics && comm_.rank() == 0)
        counts = &scores_.topics.try_emplace(versus(pair), a, b, scores_.space, TopicRule{.seed = plan_.seed})
                      .first->second;
    });
    usage_.each([&](UsageTile const& tile) {
      auto const groups = tile.compare(pair.a, pair.b);
      mpi::agree(comm_, [&] {
        for (auto const* criterion : criteria) score_tile(*criterion, groups, of(*criterion, pair));
        if (counts != nullptr) counts->add(tile.of(pair.a), tile.of(pair.b));
      });
      replication.add(groups);
    });
    auto const size = std::min(static_cast<std::size_t>(plan_.count), scores_.space.size());
    std::ranges::move(replication.finish(size), std::back_inserter(scores_.replication[versus(pair)]));
  }

  void score_tile(ContrastCriterion const& criterion, Comparison const& groups, Score& row) {
    auto const [score, divergence] = criterion.score(groups);
    append(row.values, score);
    append(row.divergence, divergence);
  }

  void stabilise(Pair const& pair, Criteria const& criteria) {
    for (auto const* criterion : criteria) {
      if (!plan_.contrast_stability || criterion->name != plan_.contrast_stability->score) continue;
      auto const name = stability_name(*plan_.contrast_stability, pair);
      StabilityStream stream(comm_, scores_.space, *plan_.contrast_stability, plan_.seed,
                             "resampling " + name, plan_.bytes / 2);
      usage_.each([&](UsageTile const& tile) { stream.add(tile.compare(pair.a, pair.b), criterion->score); });
      scores_.rows.push_back(frequency_score(name, pass_.positions.name, stream.finish()));
    }
  }

  // All tests of the pair see the same relabellings.
  void test(Pair const& pair, Criteria const& criteria) {
    std::vector<ContrastTest const*> wanted;
    for (auto const* criterion : criteria)
      if (std::ranges::find(wanted, criterion->test) == wanted.end()) wanted.push_back(criterion->test);
    if (wanted.empty()) return;
    Relabelling const exchange(usage_.facts(pair.a), usage_.facts(pair.b), plan_.within);
    auto const found =
        test_contrasts(comm_, exchange, plan_.seed, wanted, scores_.space.size(),
                       [&](auto const& visit) {
                         usage_.each([&](UsageTile const& tile) { visit(tile.compare(pair.a, pair.b)); });
                       },
                       {.permutations = plan_.permutations, .memory = plan_.bytes / 2});
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      auto const shared = std::make_shared<Significance const>(found[i]);
      for (auto const* criterion : criteria)
        if (criterion->test == wanted[i]) of(*criterion, pair).significance = shared;
    }
  }

  mpi::Comm const& comm_;
  ReducePlan const& plan_;
  ContrastPass const& pass_;
  UsageStream usage_;
  Scores& scores_;
};

}  // namespace

void add_contrasts(mpi::Comm const& comm, ReducePlan const& plan, CheckedRecord const& record,
                   Scores& scores) {
  for (auto const& pass : plan.passes) Reading(comm, plan, pass, record, scores).run();
  for (auto const& groups : plan.groups)
    for (auto const* criterion : plan.criteria)
      if (std::string const name(criterion->name); groups.several() && planned(plan.passes, name, groups))
        scores.rows.push_back(against_all(name, groups, scores));
}

}  // namespace moerae
