#include "app/options/given.hpp"

#include <fmt/format.h>

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <fstream>
#include <map>

#include "app/options/ini_line.hpp"

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

}  // namespace

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
    auto const read = read_ini_line(line);
    if (!read.fault.empty())
      faults.add({}, "{}: {}", origin, read.fault);
    else if (!read.section.empty())
      section = read.section + '.';
    else if (!read.key.empty())
      collector.add(origin, section + read.key, read.value);
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
