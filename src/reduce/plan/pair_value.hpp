#pragma once

#include "moerae/keys/values.hpp"
#include "moerae/reduce/plan/options.hpp"

namespace moerae::kind {

/// a:b or a:b/c, different groups: SET or SET@OUTCOME.
struct Groups {
  using type = ContrastOptions::Pair;
  [[nodiscard]] std::string expects() const { return "a:b | a:b/c"; }
  [[nodiscard]] type parse(std::string const& text, Folder const& base) const;
  [[nodiscard]] std::string print(type const& value) const { return value.text(); }
  [[nodiscard]] nlohmann::json json(type const& value) const { return print(value); }
};

}  // namespace moerae::kind
