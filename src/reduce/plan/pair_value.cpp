#include "reduce/plan/pair_value.hpp"

#include <set>

namespace moerae::kind {

ContrastOptions::Pair Groups::parse(std::string const& text, Folder const& base) const {
  auto const sides = split(text, ':');
  if (sides.size() != 2) throw BadValue("expected two set names as a:b, or several as a:b/c");
  type groups{SetName{}.parse(sides[0], base), {}};
  std::set<std::string> seen;
  for (auto const& name : split(sides[1], '/')) {
    auto const other = SetName{}.parse(name, base);
    if (groups.a.empty() || other.empty())
      throw BadValue("expected two set names as a:b, or several as a:b/c");
    if (other == groups.a) throw BadValue("a set cannot be contrasted with itself");
    if (!seen.insert(other).second) throw BadValue("'" + other + "' is there twice");
    groups.b += (groups.b.empty() ? "" : "/") + other;
  }
  return groups;
}

}  // namespace moerae::kind
