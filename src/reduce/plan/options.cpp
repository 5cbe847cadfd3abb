#include "moerae/reduce/plan/options.hpp"

#include <algorithm>

namespace moerae {

std::vector<std::string> ContrastOptions::Pair::others() const {
  std::vector<std::string> names{""};
  for (char const c : b) {
    if (c == '/')
      names.emplace_back();
    else
      names.back() += c;
  }
  return names;
}

std::vector<ContrastOptions::Pair> ContrastOptions::Pair::parts() const {
  std::vector<Pair> pairs;
  for (auto const& name : others()) pairs.push_back({a, name});
  return pairs;
}

std::string versus(ContrastOptions::Pair const& pair) {
  std::string name = pair.a;
  for (auto const& other : pair.others()) name += (name.size() == pair.a.size() ? "-vs-" : "-and-") + other;
  std::ranges::replace(name, '@', '.');  // SET@N is a part of an expert set
  return name;
}

}  // namespace moerae
