#include "reduce/stability/groups.hpp"

#include <algorithm>
#include <functional>

namespace moerae {
namespace {

template <class Score>
SafetyGroup group(std::string_view name, std::size_t size, Score&& score,
                  std::function<bool(std::size_t)> const& member) {
  SafetyGroup out{std::string(name), std::vector<double>(size), {}};
  for (std::size_t e = 0; e < size; ++e) {
    out.score[e] = score(e);
    if (member(e)) out.members.push_back(e);
  }
  return out;
}

}  // namespace

std::vector<SafetyGroup> form_groups(Stability const& regular, Stability const& jailbreak,
                                     Stability const* benign) {
  auto const r = regular.frequency(), j = jailbreak.frequency();
  auto const lower = [&](std::size_t e) { return std::min(r[e], j[e]); };
  auto const difference = [&](std::size_t e) { return r[e] - j[e]; };
  auto const both = [&](std::size_t e) { return regular.selected(e) && jailbreak.selected(e); };
  auto const only = [&](std::size_t e) { return regular.selected(e) && !jailbreak.selected(e); };
  bool const plain = regular.rule.plain_difference;

  std::vector<SafetyGroup> out;
  out.push_back(group(safety_groups[0], r.size(), lower, both));
  if (benign)
    out.push_back(
        group(safety_groups[1], r.size(), lower, [&](auto e) { return both(e) && !benign->selected(e); }));
  out.push_back(group(safety_groups[2], r.size(), difference,
                      [&](auto e) { return only(e) && (plain || jailbreak.rarely(e)); }));
  out.push_back(group(safety_groups[3], r.size(), difference,
                      [&](auto e) { return only(e) && !plain && !jailbreak.rarely(e); }));
  return out;
}

}  // namespace moerae
