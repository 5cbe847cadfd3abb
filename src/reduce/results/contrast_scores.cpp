#include <algorithm>
#include <iterator>

#include "moerae/base/check.hpp"
#include "moerae/mpi/agree.hpp"
#include "reduce/plan/set_requests.hpp"
#include "reduce/results/scores.hpp"
#include "reduce/significance/max_t.hpp"
#include "reduce/stability/stability_stream.hpp"

namespace moerae {
namespace {

using Pair = ContrastOptions::Pair;

constexpr std::uint32_t replication_splits = 5;

void append(std::vector<double>& all, std::vector<double> const& part) {
  all.insert(all.end(), part.begin(), part.end());
}

// One reading of the usage, and what is made of it for one pair of sets.
class Pass {
 public:
  Pass(mpi::Comm const& comm, ReducePlan const& plan, ContrastPass const& pass, CheckedRecord const& record,
       Scores& scores)
      : comm_(comm),
        plan_(plan),
        pass_(pass),
        usage_(comm, record,
               {.usage = {pass.sets, pass.positions, plan.clusters, plan.seed},
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

  ContrastScores& of(ContrastCriterion const& criterion, Pair const& pair) {
    return scores_.contrasts[{std::string(criterion.name), versus(pair)}];
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

  void score_tile(ContrastCriterion const& criterion, Comparison const& groups, ContrastScores& scores) {
    auto const [score, divergence] = criterion.score(groups);
    append(scores.score, score);
    append(scores.divergence, divergence);
    scores.positions = pass_.positions.name;
  }

  void stabilise(Pair const& pair, Criteria const& criteria) {
    for (auto const* criterion : criteria) {
      if (!plan_.contrast_stability || criterion->name != plan_.contrast_stability->score) continue;
      auto const name = stability_name(*plan_.contrast_stability, pair);
      StabilityStream stream(comm_, scores_.space, *plan_.contrast_stability, plan_.seed,
                             "resampling " + name, plan_.bytes / 2);
      usage_.each([&](UsageTile const& tile) { stream.add(tile.compare(pair.a, pair.b), criterion->score); });
      scores_.ses.emplace(name, stream.finish());
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

// Two tests of one expert, both of which must reject: the larger p (intersection-union; Berger 1982).
std::shared_ptr<Significance const> both(Significance const& x, Significance const& y) {
  auto out = std::make_shared<Significance>();
  out->statistic = x.statistic;
  out->units = std::min(x.units, y.units);
  out->pairs = std::min(x.pairs, y.pairs);
  out->movable = std::min(x.movable, y.movable);
  out->smallest_p = std::max(x.smallest_p, y.smallest_p);
  out->permutations = std::min(x.permutations, y.permutations);
  out->refused = x.refused.empty() ? y.refused : x.refused;
  for (std::size_t e = 0; e < x.t.size(); ++e) out->t.push_back(std::min(x.t[e], y.t[e]));
  if (!out->refused.empty()) return out;
  for (std::size_t e = 0; e < x.t.size(); ++e) {
    bool const one_way = (x.t[e] > 0) == (y.t[e] > 0);  // else one of the directions is not shown at all
    out->p_adjusted.push_back(one_way ? std::max(x.p_adjusted[e], y.p_adjusted[e]) : 1);
    out->p.push_back(one_way ? std::max(x.p[e], y.p[e]) : 1);
  }
  out->q = benjamini_hochberg(out->p);
  return out;
}

// More in a than in every other set: the smallest of the scores.
ContrastScores against_all(std::string const& criterion, Pair const& groups, Scores const& scores) {
  ContrastScores out;
  for (auto const& pair : groups.parts()) {
    auto const& part = scores.contrasts.at({criterion, versus(pair)});
    if (out.score.empty()) {
      out = part;
      continue;
    }
    for (std::size_t e = 0; e < out.score.size(); ++e) out.score[e] = std::min(out.score[e], part.score[e]);
    if (part.significance) out.significance = both(*out.significance, *part.significance);
  }
  out.divergence.clear();
  if (!out.significance) return out;
  auto result = std::make_shared<Significance>(*out.significance);
  result->statistic += ", the least of several comparisons";
  // an expert can be false in any of k comparisons, with a chance of level/2 each, since the sign is asked
  // for
  auto const k = static_cast<double>(groups.parts().size());
  for (auto& p : result->p_adjusted) p = std::min(1.0, p * std::max(1.0, k / 2));
  out.significance = std::move(result);
  return out;
}

}  // namespace

void add_contrasts(mpi::Comm const& comm, ReducePlan const& plan, CheckedRecord const& record,
                   Scores& scores) {
  for (auto const& pass : plan.passes) Pass(comm, plan, pass, record, scores).run();
  for (auto const& groups : plan.groups)
    for (auto const* criterion : plan.criteria)
      if (std::string const name(criterion->name); groups.several() && planned(plan.passes, name, groups))
        scores.contrasts[{name, versus(groups)}] = against_all(name, groups, scores);
}

}  // namespace moerae
