#include "app/sweep/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

#include "app/options/inputs.hpp"
#include "app/options/print.hpp"
#include "app/sweep/cell_faults.hpp"
#include "app/sweep/stages.hpp"
#include "moerae/base/check.hpp"
#include "moerae/run/folder.hpp"

namespace moerae {
namespace {

using Json = nlohmann::ordered_json;

// What can be wrong with model, corpus and stages does not depend on [run]: where results lie, and the seed.
class Layouts {
 public:
  explicit Layouts(std::vector<std::string> const& stages) : stages_(stages) {}
  StudyLayout const& of(Study const& study) {
    auto key = study_json(study);
    key.erase("run");
    auto const [at, fresh] = known_.try_emplace(key.dump());
    if (fresh) at->second = lay_out(study, stages_);
    return at->second;
  }

 private:
  std::vector<std::string> const& stages_;
  std::map<std::string, StudyLayout> known_;
};

Json inputs_known(SweptStage const& stage, Study const& study, Json resolved) {
  resolved["experts"] = nullptr;  // of `tune`: known when its set is there
  if (stage.bit != stage::reduce) return inputs_of(stage.bit, study, stage.method, resolved);
  auto inputs = inputs_of(stage.bit, study, stage.method, resolved_inputs(study.for_reduce()));
  inputs["record"] = store::inputs_hash(inputs_of(stage::record, study, record_method, resolved));
  inputs["corpus"] = resolved.at("corpus");
  return inputs;
}

std::int64_t bytes_of(std::string const& text) {
  std::int64_t value = std::stoll(text);
  for (auto const unit : {'K', 'M', 'G', 'T'}) {
    value <<= 10;
    if (text.back() == unit) break;
  }
  return value;
}

// Three times the estimate and half an hour, in half hours; what resumes needs no more than a day at a time.
std::string time_limit(double hours, bool resumes) {
  auto halves = static_cast<std::int64_t>(std::ceil(1 + 6 * hours));
  if (resumes) halves = std::min<std::int64_t>(halves, 48);
  return fmt::format("{}:{:02d}:00", halves / 2, halves % 2 * 30);
}

// In MiB, to three binary digits: jobs of nearly one size are of one array.
std::int64_t rounded_mib(std::int64_t bytes) {
  auto const mib = static_cast<std::uint64_t>((bytes + (1 << 20) - 1) >> 20);
  auto const step = std::max<std::uint64_t>(std::bit_floor(mib) >> 2, 1);
  return static_cast<std::int64_t>((mib + step - 1) / step * step);
}

JobSize size_of(SweptStage const& stage, StageCost const& cost, SweepCell const& cell,
                SweepOptions const& options, CellFaults& faults) {
  auto const found = cell.jobs.find(std::string(stage.name));
  auto const job = found == cell.jobs.end() ? JobOptions{} : found->second;
  std::int64_t const width = stage.bit == stage::reduce ? 1 : cell.study.grid.expert;
  JobSize size;
  size.tasks = job.tasks.value_or((stage.tasks + width - 1) / width * width);
  size.cpus = job.cpus.value_or(stage.cpus);
  if (size.tasks % width != 0)
    faults.add(fmt::format("job.{}.tasks = {}: not a multiple of grid.expert = {}, so the ranks form no grid",
                           stage.name, size.tasks, width),
               cell.name);
  size.memory = job.memory.empty() ? cost.memory : bytes_of(job.memory);
  size.hours = cost.flops / (static_cast<double>(size.tasks * size.cpus) * options.gflops * 1e9 * 3600);
  size.limit = job.time.empty() ? time_limit(size.hours, stage.resumes) : job.time;
  size.options = fmt::format("--ntasks={} --cpus-per-task={} --mem-per-cpu={}M --time={}{}{}", size.tasks,
                             size.cpus, rounded_mib(size.memory / size.cpus), size.limit,
                             job.nodes ? fmt::format(" --nodes={}", *job.nodes) : "",
                             job.options.empty() ? "" : " " + job.options);
  return size;
}

class Planner {
 public:
  explicit Planner(Sweep const& sweep)
      : sweep_(sweep), layouts_(sweep.options.stages), faults_(sweep.cells.size()) {
    for (auto const& stage : swept_stages)
      if (std::ranges::find(sweep.options.stages, stage.name) != sweep.options.stages.end())
        stages_.push_back(&stage);
  }

  SweepPlan plan() {
    std::vector<SweepRun> cells;
    for (auto const& cell : sweep_.cells) cells.push_back(begin(cell));
    faults_.raise();
    for (std::size_t i = 0; i < cells.size(); ++i) go_on(cells[i], sweep_.cells[i]);
    faults_.raise();
    SweepPlan plan{sweep_.options, std::move(records_), 0, reductions_.size(), sweep_.excluded};
    plan.records = plan.runs.size();
    std::ranges::move(reductions_, std::back_inserter(plan.runs));
    std::ranges::move(cells, std::back_inserter(plan.runs));
    return plan;
  }

 private:
  // Which record a cell reads, and how many have its reduction.
  SweepRun begin(SweepCell const& cell) {
    auto const& layout = layouts_.of(cell.study);
    for (auto const& fault : layout.faults) faults_.add(fault, cell.name);
    SweepRun run{cell.name, cell.study, cell.values, {}, "", 0, 0, 0};
    if (!layout.faults.empty()) return run;
    if (asked(stage::record | stage::attribute | stage::reduce)) {
      make_of(record_of(cell, layout), run);
      if (goes_on()) ++alike_[reduction_name(run, layout)];
    } else {
      run.slot = alone_++;
    }
    return run;
  }

  void go_on(SweepRun& run, SweepCell const& cell) {
    auto const& layout = layouts_.of(cell.study);
    bool const shares = goes_on() && alike_.at(reduction_name(run, layout)) > 1;
    if (shares) {
      auto const& reduction = reduction_of(run, cell, layout);
      run.study.run.from = reduction.study.run.dir;
      run.from = reduction.name;
    }
    for (auto const* stage : stages_)
      if (!stage->shared && !(shares && stage->bit == stage::reduce))
        run.tasks.push_back(task_of(*stage, run.study, layout, cell));
    for (auto const& task : run.tasks)  // refuses a folder of another study
      if (task.inputs.contains("model")) check_folder(run.study, task, cell.name);
  }

  [[nodiscard]] bool asked(Stages bits) const {
    return std::ranges::any_of(stages_, [&](auto const* one) { return (one->bit & bits) != 0; });
  }
  // Whether something follows that takes its sets from a reduction.
  [[nodiscard]] bool goes_on() const { return asked(stage::reduce) && asked(stage::tune | stage::evaluate); }

  static void make_of(SweepRun& record, SweepRun& run) {
    run.study.run.from = record.study.run.dir;
    run.from = record.name;
    run.slot = record.slot;
    run.lane = record.users++;
  }

  // `run` still reads its record.
  static std::string reduction_name(SweepRun const& run, StudyLayout const& layout) {
    auto const stage = std::ranges::find(swept_stages, stage::reduce, &SweptStage::bit);
    Json const key{{"from", run.from}, {"inputs", inputs_known(*stage, run.study, layout.resolved)}};
    return fmt::format("reduce-{}-{}", run.study.model.path.filename().string(),
                       store::inputs_hash(key).substr(0, 8));
  }

  SweepRun const& reduction_of(SweepRun const& run, SweepCell const& cell, StudyLayout const& layout) {
    auto const name = reduction_name(run, layout);
    auto const found = std::ranges::find(reductions_, name, &SweepRun::name);
    if (found != reductions_.end()) return *found;
    SweepRun reduction{name, cell.study, {}, {}, "", 0, 0, 0};
    make_of(*std::ranges::find(records_, run.from, &SweepRun::name), reduction);
    reduction.study.run.dir = sweep_.options.dir / name;
    auto const stage = std::ranges::find(swept_stages, stage::reduce, &SweptStage::bit);
    reduction.tasks.push_back(task_of(*stage, reduction.study, layout, cell));
    return reductions_.emplace_back(std::move(reduction));
  }

  // The one run of all cells with these inputs; named after them, so that other cells do not rename it.
  SweepRun& record_of(SweepCell const& cell, StudyLayout const& layout) {
    auto inputs = Json::object();
    for (auto const& stage : swept_stages)
      if (stage.shared && (stage.bit == stage::record || std::ranges::find(stages_, &stage) != stages_.end()))
        inputs[std::string(stage.name)] = inputs_known(stage, cell.study, layout.resolved);
    auto const name = fmt::format("record-{}-{}", cell.study.model.path.filename().string(),
                                  store::inputs_hash(inputs).substr(0, 8));
    auto found = std::ranges::find(records_, name, &SweepRun::name);
    if (found != records_.end()) return *found;
    SweepRun record{name, cell.study, {}, {}, "", records_.size(), 0, 0};
    record.study.run.dir = sweep_.options.dir / name;
    for (auto const* stage : stages_)
      if (stage->shared) record.tasks.push_back(task_of(*stage, record.study, layout, cell));
    return records_.emplace_back(std::move(record));
  }

  SweepTask task_of(SweptStage const& stage, Study const& study, StudyLayout const& layout,
                    SweepCell const& cell) {
    std::string const name(stage.name);
    return {name, inputs_known(stage, study, layout.resolved),
            size_of(stage, layout.costs.at(name), cell, sweep_.options, faults_)};
  }

  void check_folder(Study const& study, SweepTask const& task, std::string const& cell) {
    try {
      run::RunFolder const folder(study.run.dir, task.stage, task.inputs);
    } catch (Error const& error) {
      faults_.add(error.what(), cell);
    }
  }

  Sweep const& sweep_;
  std::vector<SweptStage const*> stages_;
  Layouts layouts_;
  CellFaults faults_;
  std::vector<SweepRun> records_, reductions_;
  std::map<std::string, int> alike_;  // cells by the name that their reduction would have
  std::size_t alone_ = 0;
};

}  // namespace

SweepPlan plan_sweep(Sweep const& sweep) {
  return Planner(sweep).plan();
}

}  // namespace moerae
