#include "reduce/plan/contrast_plan.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

// Why the criterion cannot compare two sets, empty where it can; `facts` are those at its positions.
std::string obstacle(ContrastCriterion const& criterion, UsageTable const& a, UsageTable const& b,
                     ContrastGround const& ground, Positions const& positions) {
  if (criterion.test->obstacle != nullptr) return criterion.test->obstacle(a, b);
  if (!criterion.same_token) return {};
  if (!ground.has_routing)
    return "compares the same tokens, so it needs the routing of every token; record with record.routing = "
           "true";
  auto const layout = lay_out(ground.corpus, {{a.name, b.name}, positions}, false);
  return SharedTokens(ground.corpus, positions, layout, 0, 1).obstacle();
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
    if (auto const why = obstacle(criterion, *a, *b, ground_, at(name)); !why.empty()) return why;
    auto& pass = pass_at(name);
    add_sets(pass, pair);
    pass.contrasts.push_back({&criterion, pair});
    std::pair const both{pair.a, pair.b};
    if (criterion.same_token && std::ranges::find(pass.same_token, both) == pass.same_token.end())
      pass.same_token.push_back(both);
    return {};
  }

  // A group that is one cluster has no variance over clusters: nothing can be said of it.
  void require_clusters(ContrastOptions::Pair const& pair, ConfigFaults& faults) {
    for (auto const& set : {pair.a, pair.b}) try {
        auto const n = facts(positions_.name, set).clusters.size();
        if (n < 2 && lone_.insert(set).second)
          faults.add(
              "set {}: {} cluster in the discovery split cannot be compared, its unit is the cluster and at "
              "least 2 are "
              "needed; give it more, or leave it out of contrast.groups",
              set, n);
      } catch (ConfigError const&) {  // no token at these positions: said of each criterion
      }
  }

  // The topic table is made at contrast.positions, whichever criteria are.
  void add_topics(ContrastOptions::Pair const& pair, std::vector<std::string>& left_out) {
    try {
      (void)facts(positions_.name, pair.a), (void)facts(positions_.name, pair.b);
    } catch (ConfigError const& error) {
      left_out.push_back(fmt::format("topic table of {}:{}: {}", pair.a, pair.b, error.what()));
      return;
    }
    add_sets(pass_at(positions_.name), pair);
  }

  std::vector<ContrastPass> take() {
    for (auto& pass : passes_) std::ranges::sort(pass.sets);
    return std::move(passes_);
  }

 private:
  static void add_sets(ContrastPass& pass, ContrastOptions::Pair const& pair) {
    for (auto const& set : {pair.a, pair.b})
      if (std::ranges::find(pass.sets, set) == pass.sets.end()) pass.sets.push_back(set);
  }

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
  std::set<std::string> lone_;  // sets of one cluster, named once
};

}  // namespace

std::vector<ContrastPass> plan_passes(ContrastGround const& ground,
                                      std::vector<ContrastCriterion const*> const& criteria,
                                      std::function<bool(PlannedContrast const&)> const& named,
                                      std::vector<ContrastOptions::Pair> const& pairs,
                                      Positions const& positions, ConfigFaults& faults,
                                      std::vector<std::string>& left_out) {
  Passes passes(ground, positions);
  for (auto const& pair : pairs) {
    passes.require_clusters(pair, faults);
    passes.add_topics(pair, left_out);
    for (auto const* criterion : criteria) {
      auto const why = passes.add(*criterion, pair);
      if (why.empty()) continue;
      auto const text = fmt::format("{} of {}:{}: {}", criterion->name, pair.a, pair.b, why);
      if (named({criterion, pair}))
        faults.add("{}", text);
      else
        left_out.push_back(text);
    }
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
