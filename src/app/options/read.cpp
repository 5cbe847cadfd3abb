#include "app/options/read.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "app/options/given.hpp"
#include "app/options/keys.hpp"
#include "app/options/nearest.hpp"
#include "app/options/rules.hpp"
#include "moerae/base/check.hpp"
#include "moerae/keys/values.hpp"
#include "moerae/reduce/names.hpp"
#include "moerae/reduce/plan/check_options.hpp"

namespace moerae {
namespace {

constexpr std::string_view select_prefix = "select.";

template <class Keys>
auto find_key(Keys& keys, std::string_view name) {
  return std::find_if(keys.begin(), keys.end(), [&](auto const& key) { return key.name == name; });
}

template <class Target>
void parse(Key<Target> const& key, Target& target, Given const& given, Faults& faults) {
  try {
    key.parse(target, given.value, given.base);
  } catch (kind::BadValue const& reason) {
    faults.add({}, "{}: {} = {}: {}", given.origin, given.name, given.value, reason.what());
  }
}

// select.NAME.key; NAME may contain dots
void parse_select(Study& study, Given const& given, Faults& faults) {
  auto const dot = given.name.rfind('.');
  bool const has_name = dot >= select_prefix.size();
  auto const name = has_name ? given.name.substr(select_prefix.size(), dot - select_prefix.size()) : "";
  auto const key = find_key(select_keys(), given.name.substr(dot + 1));
  if (!has_name || key == select_keys().end()) {
    std::vector<std::string> known;
    for (auto const& row : select_keys())
      known.push_back(fmt::format("select.{}.{}", has_name ? name : "NAME", row.name));
    return faults.add({}, "{}: {}", given.origin, unknown_key(given.name, known));
  }
  if (!can_name_a_file(name))
    return faults.add({}, "{}: {}: the name becomes that of a file; {}", given.origin, given.name,
                      file_name_rule);
  auto select =
      std::find_if(study.select.begin(), study.select.end(), [&](auto const& s) { return s.name == name; });
  if (select == study.select.end()) {
    select = study.select.emplace(study.select.end());
    select->name = name;
  }
  parse(*key, *select, given, faults);
}

void parse_one(Study& study, Given const& given, Faults& faults) {
  if (given.name.starts_with(select_prefix)) return parse_select(study, given, faults);
  if (auto const key = find_key(study_keys(), given.name); key != study_keys().end())
    return parse(*key, study, given, faults);
  if (auto const former = find_key(former_keys(), given.name); former != former_keys().end())
    return faults.add({}, "{}: {} is gone: {}; remove it", given.origin, given.name, former->instead);
  if (auto const later = find_key(later_keys(), given.name); later != later_keys().end())
    return faults.add({}, "{}: {} belongs to {}, which is not available in this version; remove it",
                      given.origin, given.name, later->part);
  std::vector<std::string> known, later;
  for (auto const& key : study_keys()) known.push_back(key.name);
  for (auto const& key : later_keys()) later.emplace_back(key.name);
  faults.add({}, "{}: {}", given.origin,
             unknown_key(given.name, nearest(given.name, known).empty() ? later : known));
}

/// The file's keys in its order, with the command line's values in place of its own; then the rest.
std::vector<Given> overridden(std::vector<Given> file, std::vector<Given> const& words) {
  for (auto const& word : words) {
    auto const same = find_key(file, word.name);
    if (same == file.end())
      file.push_back(word);
    else
      *same = word;
  }
  return file;
}

// Faults stand after the place of the first of their keys that was given. Not those with a key whose value
// could not be read: what stands for it would contradict what the user meant.
std::vector<std::string> lines_of(Faults const& faults, GivenKeys const& given) {
  std::vector<std::string> lines;
  for (auto const& [keys, text] : faults.found()) {
    if (std::ranges::any_of(keys, [&](auto const& key) { return given.faulty.contains(key); })) continue;
    auto const key = std::ranges::find_if(keys, [&](auto const& one) { return given.origin.contains(one); });
    lines.push_back(key == keys.end() ? text : fmt::format("{}: {}", given.origin.at(*key), text));
  }
  return lines;
}

}  // namespace

std::vector<Given> given_keys(StudySource const& source, Faults& faults) {
  std::vector<Given> file;
  if (source.file) file = given_in_file(*source.file, faults);
  return overridden(std::move(file), given_on_command_line(source.words, faults));
}

Reading read_given(std::vector<Given> const& all, std::vector<std::string> const& required, Faults faults) {
  Study study;
  GivenKeys keys;
  for (auto const& given : all) {
    keys.origin.emplace(given.name, given.origin);
    auto const before = faults.found().size();
    parse_one(study, given, faults);
    if (faults.found().size() != before) keys.faulty.insert(given.name);
  }
  for (auto const& name : required) {
    auto const key = find_key(study_keys(), name);
    if (!key->print(study).empty() || keys.faulty.contains(name)) continue;
    faults.add({}, "{}: required here and not given ({}); set it in the study file or as --{} VALUE", name,
               key->help, name);
  }
  resolve(study, keys);
  check_rules(study, faults);
  check_options(study.for_reduce(), faults);
  return {std::move(study), lines_of(faults, keys)};
}

Study read_study(StudySource const& source) {
  Faults faults;
  auto const given = given_keys(source, faults);
  auto reading = read_given(given, source.required, std::move(faults));
  auto const& lines = reading.faults;
  validate<ConfigError>(
      lines.empty(), "{} fault{} in the study, so nothing was run:\n  {}\n`moerae defaults` lists every key",
      lines.size(), lines.size() == 1 ? "" : "s", fmt::join(lines, "\n  "));
  return std::move(reading.study);
}

}  // namespace moerae
