#include "reduce/plan/pair_value.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "moerae/corpus/corpus.hpp"

namespace moerae::kind {
namespace {

// SET or SET@OUTCOME.
std::string group_name(std::string const& text, Folder const& base) {
  auto const at = text.find('@');
  auto const set = SetName{}.parse(text.substr(0, at), base);
  if (at == std::string::npos) return set;
  auto const outcome = text.substr(at + 1);
  if (set.empty() || std::ranges::find(outcome_words, outcome) == outcome_words.end())
    throw BadValue(
        fmt::format("'{}': a group by outcome is SET@{}", text, fmt::join(outcome_words, " | SET@")));
  return set + '@' + outcome;
}

}  // namespace

ContrastOptions::Pair Groups::parse(std::string const& text, Folder const& base) const {
  auto const sides = split(text, ':');
  if (sides.size() != 2) throw BadValue("expected two set names as a:b, or several as a:b/c");
  type groups{group_name(sides[0], base), {}};
  std::set<std::string> seen;
  for (auto const& name : split(sides[1], '/')) {
    auto const other = group_name(name, base);
    if (groups.a.empty() || other.empty())
      throw BadValue("expected two set names as a:b, or several as a:b/c");
    if (other == groups.a) throw BadValue("a group cannot be contrasted with itself");
    if (!seen.insert(other).second) throw BadValue("'" + other + "' is there twice");
    groups.b += (groups.b.empty() ? "" : "/") + other;
  }
  return groups;
}

}  // namespace moerae::kind
