#include "moerae/reduce/names.hpp"

#include "reduce/contrast/criteria.hpp"

namespace moerae {

std::vector<std::string> const& contrast_criteria() {
  static auto const names = [] {
    std::vector<std::string> all;
    for (auto const& row : contrast::criteria()) all.emplace_back(row.name);
    return all;
  }();
  return names;
}

bool can_name_a_file(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.front() != '-' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-") ==
             std::string_view::npos;
}

}  // namespace moerae
