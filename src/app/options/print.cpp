#include "app/options/print.hpp"

#include <fmt/format.h>

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <map>
#include <ranges>
#include <sstream>

#include "app/options/keys.hpp"
#include "app/options/nearest.hpp"
#include "moerae/base/check.hpp"

namespace moerae {
namespace {

std::string section_of(std::string const& name) {
  return name.substr(0, name.find('.'));
}
std::string key_of(std::string const& name) {
  return name.substr(name.find('.') + 1);
}

std::string line(std::string const& key, std::string const& value) {
  return value.empty() ? key + " =\n" : fmt::format("{} = {}\n", key, value);
}

// `before(key)` is what stands above a key's line
template <class Before>
std::string print_sections(Study const& study, Before before) {
  std::string text, section;
  for (auto const& key : study_keys()) {
    if (section_of(key.name) != section) {
      section = section_of(key.name);
      text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", section);
    }
    text += before(key) + line(key_of(key.name), key.print(study));
  }
  return text;
}

}  // namespace

std::string print_study(Study const& study) {
  auto text = print_sections(study, [](auto const&) { return std::string(); });
  for (auto const& select : study.select) {
    text += fmt::format("\n[select.{}]\n", select.name);
    for (auto const& key : select_keys()) text += line(key.name, key.print(select));
  }
  return text;
}

std::string print_defaults() {
  auto text = print_sections(
      Study{}, [](auto const& key) { return fmt::format("# {}: {}\n", key.expects, key.help); });
  text +=
      "\n# Any number of sections [select.NAME]: one expert set each. Without any, every criterion writes "
      "its sets\n"
      "# under default names. At most one of count, p and threshold.\n# [select.NAME]\n";
  for (auto const& key : select_keys())
    text +=
        fmt::format("# # {}: {}\n# {}", key.expects, key.help, line(key.name, key.print(SelectOptions{})));
  return text;
}

nlohmann::json study_json(Study const& study) {
  nlohmann::json json;
  for (auto const& key : study_keys()) json[section_of(key.name)][key_of(key.name)] = key.json(study);
  json["select"] = nlohmann::json::object();
  for (auto const& select : study.select)
    for (auto const& key : select_keys()) json["select"][select.name][key.name] = key.json(select);
  return json;
}

std::string print_values(Study const& study, std::vector<std::string> const& keys) {
  std::map<std::string, std::string> value;
  for (auto const& key : study_keys()) value[key.name] = key.print(study);
  for (auto const& select : study.select)
    for (auto const& key : select_keys())
      value[fmt::format("select.{}.{}", select.name, key.name)] = key.print(select);
  std::string text;
  for (auto const& key : keys) {
    auto const at = value.find(key);
    if (at == value.end()) {
      auto const known = std::views::keys(value);
      throw ConfigError(unknown_key(key, {known.begin(), known.end()}));
    }
    text += at->second + "\n";
  }
  return text;
}

std::string print_keys(Stages stage) {
  namespace po = boost::program_options;
  po::options_description all(110, 55);
  auto const add = [&](auto const& key, std::string const& name, std::string const& value) {
    if (!(key.use.reads & stage)) return;
    auto const help = key.help + (value.empty() ? "" : fmt::format(" [{}]", value));
    all.add_options()(name.c_str(), po::value<std::string>()->value_name(key.expects), help.c_str());
  };
  for (auto const& key : study_keys()) add(key, key.name, key.print(Study{}));
  for (auto const& key : select_keys()) add(key, "select.NAME." + key.name, key.print(SelectOptions{}));
  std::ostringstream text;
  text << all;
  return text.str();
}

}  // namespace moerae
