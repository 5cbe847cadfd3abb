#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>

#include "app/context.hpp"
#include "app/options/given.hpp"
#include "app/status_text.hpp"
#include "moerae/base/faults.hpp"
#include "moerae/keys/values.hpp"

namespace moerae {
namespace {

namespace fs = std::filesystem;

using Print = std::string (*)(std::span<run::StageStatus const>);

struct Asked {
  std::vector<fs::path> folders;
  Print print = status_table;
  int every = 0;  // seconds; 0: once
};

// A study or sweep stands for the folder that it writes.
fs::path folder_of(fs::path const& file) {
  Faults faults;
  auto const given = given_in_file(file, faults);
  for (auto const* key : {"sweep.dir", "run.dir"})
    for (auto const& one : given)
      if (one.name == key) return kind::Path{}.parse(one.value, one.base);
  faults.add({}, "{}: has neither sweep.dir nor run.dir, so it is not known what is meant", file.string());
  faults.raise();
  return {};
}

int seconds_of(std::string const& word) {
  int value = 0;
  auto const* const end = word.data() + word.size();
  auto const [stop, error] = std::from_chars(word.data(), end, value);
  validate<ConfigError>(error == std::errc{} && stop == end && value > 0,
                        "--watch={}: expected seconds, an integer above 0", word);
  return value;
}

Asked read_words(std::vector<std::string> const& words) {
  Asked asked;
  for (auto const& word : words) {
    if (word == "--json")
      asked.print = status_json;
    else if (word == "--csv")
      asked.print = status_csv;
    else if (word == "--watch")
      asked.every = 10;
    else if (word.starts_with("--watch="))
      asked.every = seconds_of(word.substr(8));
    else if (word.starts_with("-"))
      throw ConfigError(
          fmt::format("{}: `moerae status` knows --json, --csv, --watch and --watch=SECONDS", word));
    else
      asked.folders.push_back(word.ends_with(".ini") && !fs::is_directory(word)
                                  ? folder_of(word)
                                  : kind::Path{}.parse(word, fs::current_path()));
  }
  return asked;
}

std::vector<run::StageStatus> look(std::vector<fs::path> const& folders) {
  std::vector<run::StageStatus> all;
  for (auto const& folder : folders) std::ranges::move(run::status_of(folder), std::back_inserter(all));
  return all;
}

}  // namespace

ExitCode run_status(CommandLine const& line) {
  auto const asked = read_words(line.words);
  for (;;) {
    auto const all = look(asked.folders);
    bool const complete = std::ranges::all_of(all, &run::StageStatus::complete);
    if (asked.every > 0 && isatty(STDOUT_FILENO)) std::fputs("\033[H\033[2J", stdout);
    std::fputs(asked.print(all).c_str(), stdout);
    std::fflush(stdout);
    if (complete) return ExitCode::complete;
    if (asked.every == 0)
      return std::ranges::any_of(all, [](auto const& one) { return one.state == "failed"; })
                 ? ExitCode::failure
                 : ExitCode::stopped;
    sleep(static_cast<unsigned>(asked.every));
  }
}

}  // namespace moerae
