#include "app/sweep/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <regex>
#include <sstream>

#include "app/sweep/stages.hpp"
#include "moerae/keys/values.hpp"

namespace moerae {
namespace {

using namespace kind;

// Text that means something to others: Slurm, or the reader of the sweep.
struct Form {
  using type = std::string;
  std::string what, form;
  [[nodiscard]] std::string expects() const { return what; }
  [[nodiscard]] std::string parse(std::string const& text, Folder const&) const {
    if (!text.empty() && !std::regex_match(text, std::regex(form))) throw BadValue("expected " + what);
    return text;
  }
  [[nodiscard]] std::string print(std::string const& value) const { return value; }
  [[nodiscard]] nlohmann::json json(std::string const& value) const { return value; }
};

Word stage_names() {
  Word all;
  for (auto const& one : swept_stages) all.words.emplace_back(one.name);
  return all;
}

Optional<Integer<std::int64_t>> count() {
  return {{.least = 1}, ""};
}

constexpr Use sweeps{};

}  // namespace

// clang-format off
std::vector<Key<SweepOptions>> const& sweep_keys() {
  static std::vector<Key<SweepOptions>> const keys{
      key("dir", &SweepOptions::dir, sweeps, Path{}, "folder of the sweep: a study file and a run directory for every cell"),
      key("stages", &SweepOptions::stages, sweeps, List<Word>{stage_names()}, "what every cell goes through"),
      key("zip", &SweepOptions::zip, sweeps, List<Form>{{"KEY + KEY", ".*"}}, "keys whose values advance together, one group between commas; all else is combined with all"),
      key("exclude", &SweepOptions::exclude, sweeps, List<Form>{{"KEY = VALUE [+ KEY = VALUE]", ".*"}}, "combinations that are left out; of a path its last part is enough"),
      key("names", &SweepOptions::names, sweeps, Form{"text with {KEY}", ".*"}, "of the cells; empty: made of the keys that have several values"),
      key("at_once", &SweepOptions::at_once, sweeps, count(), "tasks of one job array that run at a time (sbatch --array=...%N); empty: no limit"),
      key("gflops", &SweepOptions::gflops, sweeps, Number{.above = 0}, "GFLOP/s that one core reaches, for the estimate of hours"),
  };
  return keys;
}

std::vector<Key<JobOptions>> const& job_keys() {
  static std::vector<Key<JobOptions>> const keys{
      key("nodes", &JobOptions::nodes, sweeps, count(), "nodes of a job; empty: Slurm finds them"),
      key("tasks", &JobOptions::tasks, sweeps, count(), "ranks; empty: 4, or the next multiple of grid.expert"),
      key("cpus", &JobOptions::cpus, sweeps, count(), "cores of a rank; empty: 4, of reduce 2"),
      key("memory", &JobOptions::memory, sweeps, Form{"number with K, M, G or T", "[0-9]+[KMGT]"}, "of a rank; empty: from the plan"),
      key("time", &JobOptions::time, sweeps, Form{"time as sbatch takes it, 4:00:00", "([0-9]+-)?[0-9]+(:[0-9]+){0,2}"}, "limit of a job; empty: three times the estimate and half an hour"),
      key("options", &JobOptions::options, sweeps, Form{"options of sbatch", "[^\\t]*"}, "further options, such as --partition=p"),
  };
  return keys;
}
// clang-format on

std::string print_sweep_keys() {
  namespace po = boost::program_options;
  po::options_description all(110, 55);
  auto const add = [&](auto const& key, std::string const& name, std::string const& value) {
    auto const help = key.help + (value.empty() ? "" : fmt::format(" [{}]", value));
    all.add_options()(name.c_str(), po::value<std::string>()->value_name(key.expects), help.c_str());
  };
  for (auto const& key : sweep_keys()) add(key, "sweep." + key.name, key.print({}));
  for (auto const& key : job_keys()) add(key, "job.STAGE." + key.name, key.print({}));
  std::ostringstream text;
  text << "The file is a study in which any key may have several values: `key = A | B`, `seed = 1..3`. The "
          "first one varies slowest.\nEvery cell is written to sweep.dir as an ordinary study, CELL.ini, "
          "with the run directory CELL; cells with the same\nmodel, corpus and [record] keys reduce one "
          "record. Further keys:\n"
       << all;
  return text.str();
}

}  // namespace moerae
