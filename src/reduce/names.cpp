#include "moerae/reduce/names.hpp"

#include "reduce/contrast/criteria.hpp"
#include "reduce/esft.hpp"
#include "reduce/stability/groups.hpp"

namespace moerae {
namespace {

std::vector<std::string> names_of(auto const& rows, std::vector<std::string> names = {}) {
  for (auto const& row : rows) names.emplace_back(row.name);
  return names;
}

}  // namespace

std::vector<std::string> const& contrast_criteria() {
  static auto const names = names_of(contrast::criteria());
  return names;
}

std::vector<std::string> const& one_group_criteria() {
  static auto const names = names_of(esft_criteria(), {"ses"});
  return names;
}

bool can_name_a_file(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.front() != '-' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-") ==
             std::string_view::npos;
}

std::vector<std::string> const& safety_group_criteria() {
  static std::vector<std::string> const names(std::begin(safety_groups), std::end(safety_groups));
  return names;
}

}  // namespace moerae
