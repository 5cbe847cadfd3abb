#include "moerae/reduce/contrast_plan.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

constexpr std::size_t fewest_pairs = 10;

std::size_t shared_clusters(UsageTable const& a, UsageTable const& b) {
  std::vector<std::int64_t> both;
  std::ranges::set_intersection(a.clusters, b.clusters, std::back_inserter(both));
  return both.size();
}

bool share_a_topic(UsageTable const& a, UsageTable const& b) {
  std::set<std::int32_t> const topics(a.topic.begin(), a.topic.end());
  return std::ranges::any_of(b.topic, [&](auto t) { return t >= 0 && topics.contains(t); });
}

// Why the criterion cannot compare two sets, empty where it can; `facts` are those at its positions.
std::string obstacle(ContrastCriterion const& criterion, UsageTable const& a, UsageTable const& b,
                     ContrastGround const& ground) {
  auto const& needs = criterion.needs;
  if (auto const pairs = shared_clusters(a, b); needs.pairs && pairs < fewest_pairs)
    return fmt::format(
        "needs at least {} clusters with prompts in both sets, {} have; give twins the same cluster, or use "
        "another criterion",
        fewest_pairs, pairs);
  if (needs.topics && !share_a_topic(a, b))
    return "needs a topic with prompts in both sets; give the corpus topics, or use another criterion";
  if (needs.same_token && !ground.has_routing)
    return "compares the same tokens, so it needs the routing of every token; record with record.routing = "
           "true";
  if (needs.same_token && !ground.corpus.has_tokens)
    return "compares the same tokens, but the corpus of the run has no token ids (imported traces)";
  return {};
}

class Passes {
 public:
  Passes(ContrastGround const& ground, Positions const& positions) : ground_(ground), positions_(positions) {}

  // Empty where the contrast was added to its pass.
  std::string add(ContrastCriterion const& criterion, ContrastOptions::Pair const& pair) {
    auto const name = std::string(criterion.positions.empty() ? positions_.name : criterion.positions);
    UsageTable const *a = nullptr, *b = nullptr;
    try {
      a = &facts(name, pair.a);
      b = &facts(name, pair.b);
    } catch (ConfigError const& error) {
      return error.what();
    }
    if (auto const why = obstacle(criterion, *a, *b, ground_); !why.empty()) return why;
    auto& pass = pass_at(name);
    for (auto const& set : {pair.a, pair.b})
      if (std::ranges::find(pass.sets, set) == pass.sets.end()) pass.sets.push_back(set);
    pass.contrasts.push_back({&criterion, pair});
    std::pair const both{pair.a, pair.b};
    if (criterion.needs.same_token && std::ranges::find(pass.same_token, both) == pass.same_token.end())
      pass.same_token.push_back(both);
    return {};
  }

  std::vector<ContrastPass> take() {
    for (auto& pass : passes_) std::ranges::sort(pass.sets);
    return std::move(passes_);
  }

 private:
  Positions at(std::string const& name) const {
    return name == positions_.name ? positions_ : parse_positions("positions of the criterion", name);
  }

  UsageTable const& facts(std::string const& positions, std::string const& set) {
    auto const found = facts_.find({positions, set});
    if (found != facts_.end()) return found->second;
    auto choice = ground_.choice;
    choice.sets = {set};
    choice.positions = at(positions);
    auto layout = lay_out(ground_.corpus, choice, false);
    return facts_.emplace(std::pair(positions, set), std::move(layout.tables.front())).first->second;
  }

  ContrastPass& pass_at(std::string const& name) {
    auto const found = std::ranges::find(passes_, name, [](auto const& pass) { return pass.positions.name; });
    if (found != passes_.end()) return *found;
    passes_.push_back({at(name), {}, {}, {}});
    return passes_.back();
  }

  ContrastGround const& ground_;
  Positions const& positions_;
  std::map<std::pair<std::string, std::string>, UsageTable> facts_;  // by positions and set
  std::vector<ContrastPass> passes_;
};

}  // namespace

std::vector<ContrastPass> plan_passes(ContrastGround const& ground,
                                      std::vector<ContrastCriterion const*> const& criteria,
                                      std::vector<ContrastCriterion const*> const& named,
                                      std::vector<ContrastOptions::Pair> const& pairs,
                                      Positions const& positions, ConfigFaults& faults,
                                      std::vector<std::string>& left_out) {
  Passes passes(ground, positions);
  for (auto const& pair : pairs)
    for (auto const* criterion : criteria) {
      auto const why = passes.add(*criterion, pair);
      if (why.empty()) continue;
      auto const text = fmt::format("{} of {}:{}: {}", criterion->name, pair.a, pair.b, why);
      if (std::ranges::find(named, criterion) != named.end())
        faults.add("{}", text);
      else
        left_out.push_back(text);
    }
  return passes.take();
}

bool planned(std::vector<ContrastPass> const& passes, std::string const& criterion,
             ContrastOptions::Pair const& groups) {
  return std::ranges::all_of(groups.parts(), [&](auto const& pair) {
    return std::ranges::any_of(passes, [&](ContrastPass const& pass) {
      return std::ranges::any_of(pass.contrasts, [&](PlannedContrast const& contrast) {
        return contrast.criterion->name == criterion && contrast.pair == pair;
      });
    });
  });
}

}  // namespace moerae
