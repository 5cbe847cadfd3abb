#include "app/options/given.hpp"

#include <fmt/format.h>

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <fstream>
#include <map>
#include <sstream>

namespace moerae {
namespace {

namespace po = boost::program_options;

class Collector {
 public:
  Collector(Faults& faults, std::filesystem::path base) : faults_(faults), base_(std::move(base)) {}

  void add(std::string const& origin, std::string const& name, std::string const& value) {
    if (auto const [first, fresh] = first_.emplace(name, origin); !fresh) {
      faults_.add({}, "{}: {}: given twice (first: {}); keep one", origin, name, first->second);
      return;
    }
    given_.push_back({name, value, origin, base_});
  }

  std::vector<Given> take() { return std::move(given_); }

 private:
  Faults& faults_;
  std::filesystem::path base_;
  std::vector<Given> given_;
  std::map<std::string, std::string> first_;  // name -> origin
};

// Boost starts a comment at any '#'; inside a word that would silently cut a path short.
bool cuts_a_word(std::string const& line) {
  auto const hash = line.find('#');
  return hash != std::string::npos && hash > 0 && line[hash - 1] != ' ' && line[hash - 1] != '\t' &&
         line.find_first_not_of(" \t#") < hash;
}

std::string without_comment(std::string const& line) {
  auto const text = line.substr(0, line.find('#'));
  auto const from = text.find_first_not_of(" \t\r");
  return from == std::string::npos ? "" : text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
}

}  // namespace

// Boost's parser knows no line numbers and stops at the first fault: it is given the lines one by one.
std::vector<Given> given_in_file(std::filesystem::path const& file, Faults& faults) {
  std::error_code ignored;
  std::ifstream stream(file);
  if (!stream || std::filesystem::is_directory(file, ignored)) {
    faults.add({}, "{}: the study file cannot be opened; check the path", file.string());
    return {};
  }
  Collector collector(faults, std::filesystem::absolute(file).parent_path());
  po::options_description const none;
  std::string line, section;
  for (int number = 1; std::getline(stream, line); ++number) {
    auto const origin = fmt::format("{}:{}", file.string(), number);
    if (number == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);  // byte order mark
    if (cuts_a_word(line)) {
      faults.add({},
                 "{}: a '#' starts a comment, here in the middle of a word; put a blank before the comment",
                 origin);
      continue;
    }
    if (auto const text = without_comment(line); text.starts_with('[') && text.ends_with(']')) {
      section = line + '\n';
      continue;
    }
    std::istringstream one(section + line + '\n');
    try {
      for (auto const& option : po::parse_config_file(one, none, true).options)
        collector.add(origin, option.string_key, option.value.empty() ? "" : option.value.front());
    } catch (po::error const&) {
      faults.add({}, "{}: '{}' is neither [section] nor key = value", origin, without_comment(line));
    }
  }
  if (stream.bad()) faults.add({}, "{}: the study file cannot be read to its end", file.string());
  return collector.take();
}

std::vector<std::vector<std::string>> group_words(std::vector<std::string> const& words) {
  std::vector<std::vector<std::string>> groups;
  for (std::size_t i = 0; i < words.size(); ++i) {
    groups.push_back({words[i]});
    bool const is_key = words[i].starts_with("--") && words[i].find('=') == std::string::npos;
    if (is_key && i + 1 < words.size() && !words[i + 1].starts_with("--"))
      groups.back().push_back(words[++i]);
  }
  return groups;
}

std::vector<Given> given_on_command_line(std::vector<std::string> const& words, Faults& faults) {
  std::string const origin = "command line";
  Collector collector(faults, std::filesystem::current_path());
  for (auto group : group_words(words)) {
    auto const first = group.front();
    if (!first.starts_with("--") || first.size() == 2) {
      faults.add({}, "{}: '{}' is neither a key nor its value; keys are --section.key VALUE", origin, first);
      continue;
    }
    auto const name = first.substr(2, first.find('=') - 2);
    if (first.size() == name.size() + 3) group = {"--" + name, ""};  // Boost refuses "--key="
    try {
      po::options_description only;
      only.add_options()(name.c_str(), po::value<std::string>());
      using namespace po::command_line_style;
      for (auto const& option : po::command_line_parser(group)
                                    .options(only)
                                    .style(allow_long | long_allow_adjacent | long_allow_next)
                                    .run()
                                    .options)
        collector.add(origin, option.string_key, option.value.front());
    } catch (po::error const&) {
      faults.add({}, "{}: --{} has no value; write --{} VALUE", origin, name, name);
    }
  }
  return collector.take();
}

}  // namespace moerae
