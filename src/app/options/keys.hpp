#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "app/options/stages.hpp"
#include "app/study.hpp"

namespace moerae {

/// One key of a study and where its value lives: the single source for parsing, help, defaults and printing.
template <class Target>
struct Key {
  std::string name;     ///< "section.key"; inside [select.NAME] the key alone
  Use use;              ///< which stages it concerns
  std::string help;     ///< one sentence
  std::string expects;  ///< what a value looks like
  /// Throws kind::BadValue. The path is the folder that relative paths start from.
  std::function<void(Target&, std::string const&, std::filesystem::path const&)> parse;
  std::function<std::string(Target const&)> print;
  std::function<nlohmann::json(Target const&)> json;
};

/// Every key of the fixed sections, in the order in which they are printed.
[[nodiscard]] std::vector<Key<Study>> const& study_keys();
/// The keys of a section [select.NAME].
[[nodiscard]] std::vector<Key<SelectOptions>> const& select_keys();

/// The names of the keys that `stage` cannot do without.
[[nodiscard]] std::vector<std::string> required_keys(Stages stage);

/// A key that is gone.
struct FormerKey {
  std::string_view name;
  std::string_view instead;  ///< what takes its place
};
[[nodiscard]] std::vector<FormerKey> const& former_keys();

/// A key of formats section 6 whose stage or method this version does not have.
struct LaterKey {
  std::string_view name;
  std::string_view part;  ///< what it belongs to
};
[[nodiscard]] std::vector<LaterKey> const& later_keys();

}  // namespace moerae
