#include "app/sweep/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "app/options/print.hpp"
#include "app/sweep/stages.hpp"
#include "app/text_table.hpp"
#include "moerae/run/status.hpp"
#include "moerae/store/publish.hpp"

namespace moerae {
namespace {

using Json = nlohmann::ordered_json;

std::filesystem::path study_file(SweepPlan const& plan, SweepRun const& run) {
  return plan.options.dir / (run.name + ".ini");
}

double core_hours(JobSize const& size) {
  return size.hours * static_cast<double>(size.tasks * size.cpus);
}

std::string shared_text(SweepPlan const& plan) {
  std::string text;
  for (std::size_t i = 0; i < plan.records + plan.reductions; ++i) {
    auto const& shared = plan.runs[i];
    std::vector<std::string> names, stages;
    for (auto const& run : plan.runs)
      if (run.from == shared.name) names.push_back(run.name);
    for (auto const& task : shared.tasks) stages.push_back(task.stage);
    if (names.size() > 1)
      text += fmt::format("{} ({}) serves {}: {}\n", shared.name,
                          stages.empty() ? "made elsewhere" : fmt::format("{}", fmt::join(stages, ", ")),
                          names.size(), fmt::join(names, ", "));
  }
  return text;
}

void write(std::filesystem::path const& path, std::string const& text) {
  if (!std::filesystem::exists(path) || store::read_text(path) != text) store::write_text(path, text);
}

}  // namespace

std::string describe_sweep(SweepPlan const& plan) {
  TextTable table({"run", "stage", "ranks", "cores a rank", "memory a rank", "core hours", "time limit"}, 2);
  double hours = 0;
  for (auto const& run : plan.runs)
    for (auto const& task : run.tasks) {
      hours += core_hours(task.size);
      table.row({run.name, task.stage, fmt::format("{}", task.size.tasks), fmt::format("{}", task.size.cpus),
                 fmt::format("{:.1f} GiB", static_cast<double>(task.size.memory) / (1 << 30)),
                 fmt::format("{:.3g}", core_hours(task.size)), task.size.limit});
    }
  auto const cells = plan.runs.size() - plan.records - plan.reductions;
  auto const saved = plan.records == 0 ? 0 : cells - plan.records;
  return table.text() + "\n" + shared_text(plan) +
         fmt::format(
             "{} cells{}, {} records ({} of {} recordings need not be made){}; about {:.3g} core hours, if a "
             "core reaches {} GFLOP/s (sweep.gflops)\n",
             cells, plan.excluded ? fmt::format(" ({} combinations left out)", plan.excluded) : "",
             plan.records, saved, cells,
             plan.reductions ? fmt::format(", {} shared reductions", plan.reductions) : "", hours,
             plan.options.gflops);
}

void write_sweep(SweepPlan const& plan) {
  std::filesystem::create_directories(plan.options.dir);
  auto runs = Json::array();
  std::string tasks = "stage\trun\tstudy\tslot\tlane\tafter\tat_once\tsbatch\n";
  auto const at_once = plan.options.at_once ? std::to_string(*plan.options.at_once) : "-";
  for (auto const& run : plan.runs) {
    write(study_file(plan, run), print_study(run.study));
    Json one{{"name", run.name}, {"from", run.from}, {"values", Json::object()}, {"stages", Json::array()}};
    for (auto const& [key, value] : run.values) one["values"][key] = value;
    for (auto const& task : run.tasks)
      one["stages"].push_back({{"stage", task.stage}, {"inputs", task.inputs}});
    runs.push_back(one);
  }
  for (auto const& stage : swept_stages)  // stage by stage: an array of jobs waits for one before it
    for (auto const& run : plan.runs) {
      auto before = run.from;  // the run of the stage before
      for (auto const& task : run.tasks) {
        if (task.stage == stage.name)
          tasks += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", task.stage, run.name,
                               study_file(plan, run).string(), run.slot, run.lane,
                               before.empty() ? "-" : before, at_once, task.size.options);
        before = run.name;
      }
    }
  write(plan.options.dir / "tasks.tsv", tasks);
  write(plan.options.dir / run::sweep_file,
        Json{{"schema", run::sweep_schema}, {"runs", runs}}.dump(1) + "\n");
}

}  // namespace moerae
