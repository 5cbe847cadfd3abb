#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "moerae/keys/stages.hpp"

namespace moerae {

/// One key of a study and where its value lives: the single source for parsing, help, defaults and printing.
/// Every module brings the keys of its sections.
template <class Target>
struct Key {
  std::string name;     ///< inside its section; of a Study: "section.key"
  Use use;              ///< which stages it concerns
  std::string help;     ///< one sentence
  std::string expects;  ///< what a value looks like
  /// Throws kind::BadValue. The path is the folder that relative paths start from.
  std::function<void(Target&, std::string const&, std::filesystem::path const&)> parse;
  std::function<std::string(Target const&)> print;
  std::function<nlohmann::json(Target const&)> json;
};

/// The key of a field whose value is of a kind (values.hpp).
template <class Target, class Field, class Kind>
[[nodiscard]] Key<Target> key(std::string name, Field Target::*field, Use use, Kind kind, std::string help) {
  return {std::move(name),
          use,
          std::move(help),
          kind.expects(),
          [=](Target& target, std::string const& text, std::filesystem::path const& base) {
            target.*field = kind.parse(text, base);
          },
          [=](Target const& target) { return kind.print(target.*field); },
          [=](Target const& target) { return kind.json(target.*field); }};
}

/// Adds the keys of a section, which is a member of the whole.
template <class Whole, class Section>
void join(std::vector<Key<Whole>>& all, std::string const& name, Section Whole::*section,
          std::vector<Key<Section>> const& keys) {
  for (auto const& key : keys)
    all.push_back({name + "." + key.name, key.use, key.help, key.expects,
                   [=](Whole& whole, std::string const& text, std::filesystem::path const& base) {
                     key.parse(whole.*section, text, base);
                   },
                   [=](Whole const& whole) { return key.print(whole.*section); },
                   [=](Whole const& whole) { return key.json(whole.*section); }});
}

}  // namespace moerae
