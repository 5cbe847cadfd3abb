#include "moerae/run/status.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>

#include "moerae/run/journal.hpp"
#include "moerae/store/artefacts.hpp"
#include "moerae/store/manifest.hpp"
#include "moerae/store/publish.hpp"
#include "moerae/store/stage_dir.hpp"

namespace moerae::run {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::size_t recent = 32;  // files that the rate is taken from
constexpr double patience = 600;    // seconds without a file after which nobody seems to be at work

struct Files {
  std::int64_t whole = 0;
  bool damaged = false;
  std::vector<fs::file_time_type> times;
  void add(fs::path const& path) {
    ++whole;
    std::error_code missing;
    if (auto const time = fs::last_write_time(path, missing); !missing) times.push_back(time);
  }
};

double seconds(fs::file_time_type::duration span) {
  return std::chrono::duration<double>(span).count();
}

void set_rate(StageStatus& status, std::vector<fs::file_time_type> times) {
  if (times.empty()) return;
  std::ranges::sort(times);
  status.quiet = std::max(0.0, seconds(fs::file_time_type::clock::now() - times.back()));
  auto const n = std::min(recent, times.size());
  auto const span = seconds(times.back() - times[times.size() - n]);
  if (n > 1 && span > 0) status.rate = static_cast<double>(n - 1) / span;
}

// The run as all of its stages see it.
struct Ledgers {
  fs::path run;
  store::Manifest manifest;
  std::vector<store::StageDir> stages;
  std::vector<JournalLine> journal;
  explicit Ledgers(fs::path const& dir)
      : run(dir),
        manifest(store::Manifest::read(dir)),
        stages(store::list_stages(dir)),
        journal(read_journal(dir)) {}
};

Files files_of(Ledgers const& in, store::StageDir const& stage) {
  Files files;
  auto const prefix = stage.path.filename().string() + "/";
  auto const& entries = in.manifest.entries();
  for (auto at = entries.lower_bound(prefix); at != entries.end() && at->first.starts_with(prefix); ++at) {
    auto const path = in.run / at->first;
    bool const whole = store::standing_of(&at->second, path, store::Look::at_size) == store::Standing::whole;
    if (stage.stage == "reduce" ? at->first == prefix + "scores.h5"
                                : store::is_unit_of(at->first, stage.stage)) {
      if (whole) files.add(path);
    } else {
      files.damaged = files.damaged || !whole;
    }
  }
  return files;
}

// The checkpoints of a training stand for its steps until the adapter is there.
void count_steps(StageStatus& status, store::StageDir const& stage) {
  std::vector<fs::file_time_type> times;
  for (auto const& entry : fs::directory_iterator(stage.path)) {
    auto const name = entry.path().filename().string();
    if (!name.starts_with("step-") || !name.ends_with(".h5")) continue;
    status.done = std::max<std::int64_t>(status.done, std::atoll(name.c_str() + 5));
  }
  status.total = stage.inputs.value("tune.steps", std::int64_t{0});
  status.unit = "steps";
}

std::int64_t total_of(store::StageDir const& stage, Files const& files) {
  if (stage.stage == "reduce") return 1;
  for (auto const* key : {"files", "units"})
    if (auto const found = stage.extra.find(key); found != stage.extra.end())
      return found->get<std::int64_t>();
  return files.whole;  // an import: all of it came at once
}

void count(StageStatus& status, Ledgers const& in, store::StageDir const& stage) {
  auto const files = files_of(in, stage);
  status.folder = stage.path.filename().string();
  status.done = files.whole;
  status.total = total_of(stage, files);
  if (status.total > 0 && status.done >= status.total && !(stage.stage == "reduce" && files.damaged))
    status.state = "complete";
  else if (stage.stage == "reduce")
    status.done = 0;  // a set is missing
  else if (stage.stage == "tune")
    count_steps(status, stage);
  set_rate(status, files.times);
}

// How the last attempt went. An attempt that ended before it found its folder counts for all of its stage.
void add_events(StageStatus& status, std::vector<JournalLine> const& journal) {
  bool mine = true;
  for (auto const& line : journal) {
    if (line.stage != status.stage) continue;
    if (line.event == "begun") mine = line.folder.empty() || line.folder == status.folder;
    if (!mine) continue;
    status.job = line.job;
    status.error = line.message;
    if (!status.complete()) status.state = line.event == "complete" ? "open" : line.event;
  }
  if (status.complete()) status.error.clear();
}

StageStatus status_of(std::string const& run, Ledgers const& in, store::StageDir const& stage) {
  StageStatus status{.run = run, .stage = stage.stage};
  count(status, in, stage);
  add_events(status, in.journal);
  return status;
}

// All that is known beforehand of the inputs is the same.
bool fits(Json const& theirs, Json const& known) {
  if (theirs.value("method", 1) != known.value("method", 1)) return false;
  return std::ranges::all_of(known.items(), [&](auto const& item) {
    return theirs.contains(item.key()) && theirs.at(item.key()) == item.value();
  });
}

// Which replies there are follows from keys that are no inputs, and which experts are trained from sets that
// are not read here: the study has to be the one that was run.
bool same_study(fs::path const& study, fs::path const& run) {
  return fs::exists(run / "study.ini") && store::read_text(study) == store::read_text(run / "study.ini");
}

// The last line of a job's log that tells of an error: of the program, or else of whoever started it.
std::string error_in(fs::path const& log) {
  std::ifstream stream(log);
  std::string ours, any;
  for (std::string line; std::getline(stream, line);) {
    if (line.find("error:") != std::string::npos) any = line;
    if (line.find("moerae: error:") != std::string::npos) ours = line;
  }
  return ours.empty() ? any : ours;
}

struct NotedJob {
  std::string stage, run, job;
};

std::vector<NotedJob> noted_jobs(fs::path const& folder) {
  std::vector<NotedJob> all;
  std::ifstream stream(folder / jobs_file);
  NotedJob job;
  while (std::getline(stream, job.stage, '\t') && std::getline(stream, job.run, '\t') &&
         std::getline(stream, job.job))
    all.push_back(job);
  return all;
}

void add_job(StageStatus& status, fs::path const& folder, std::vector<NotedJob> const& jobs) {
  for (auto const& noted : jobs) {
    if (noted.stage != status.stage || noted.run != status.run) continue;
    if (status.state == "open") status.job = noted.job;
    if (status.complete() || noted.job != status.job || !status.error.empty()) continue;
    status.error = error_in(folder / "log" / fmt::format("{}-{}.log", noted.stage, noted.job));
    if (!status.error.empty() && status.state == "open") status.state = "failed";
  }
}

std::vector<StageStatus> status_of_sweep(fs::path const& folder) {
  auto const path = folder / sweep_file;
  std::vector<StageStatus> all;
  auto const jobs = noted_jobs(folder);
  try {
    auto const sweep = Json::parse(store::read_text(path));
    validate<DataError>(sweep.at("schema") == sweep_schema, "schema {}", sweep.at("schema").dump());
    for (auto const& run : sweep.at("runs")) {
      auto const name = run.at("name").get<std::string>();
      Ledgers const in(folder / name);
      for (auto const& asked : run.at("stages")) {
        StageStatus status{.run = name, .stage = asked.at("stage")};
        for (auto const& stage : in.stages)
          if (stage.stage == status.stage && fits(stage.inputs, asked.at("inputs"))) count(status, in, stage);
        if (status.complete() && (status.stage == "evaluate" || status.stage == "tune") &&
            !same_study(folder / (name + ".ini"), in.run))
          status.state = "open";
        add_events(status, in.journal);
        add_job(status, folder, jobs);
        all.push_back(std::move(status));
      }
    }
  } catch (Json::exception const& error) {
    throw DataError(
        fmt::format("{}: not the list of a sweep ({}); repeat `moerae sweep`", path.string(), error.what()));
  }
  return all;
}

}  // namespace

std::optional<double> StageStatus::left() const {
  if (state != "begun" || !rate || !quiet || *quiet > std::max(patience, 5 / *rate)) return {};
  return static_cast<double>(total - done) / *rate;
}

std::vector<StageStatus> status_of(fs::path const& folder) {
  if (fs::exists(folder / sweep_file)) return status_of_sweep(folder);
  Ledgers const in(folder);
  validate<ConfigError>(!in.stages.empty(),
                        "{}: neither a run in which a stage was begun, nor the folder of a sweep (sweep.dir)",
                        folder.string());
  std::vector<StageStatus> all;
  for (auto const& stage : in.stages) all.push_back(status_of(folder.filename().string(), in, stage));
  return all;
}

}  // namespace moerae::run
