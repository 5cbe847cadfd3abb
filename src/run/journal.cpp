#include "moerae/run/journal.hpp"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "moerae/store/provenance.hpp"

namespace moerae::run {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

fs::path file_of(fs::path const& run) {
  return run / "log" / "journal.jsonl";
}

std::string variable(char const* name) {
  auto const* const value = std::getenv(name);
  return value ? value : "";
}

std::string this_job() {
  auto const array = variable("SLURM_ARRAY_JOB_ID"), job = variable("SLURM_JOB_ID");
  if (!array.empty()) return array + "_" + variable("SLURM_ARRAY_TASK_ID");
  return job.empty() ? fmt::format("{}:{}", store::make_provenance("").host, getpid()) : job;
}

std::string line_of(std::string const& event, std::string const& stage, std::string const& folder,
                    std::string const& message) {
  Json const line{{"at", store::utc_now()}, {"event", event},    {"stage", stage},
                  {"folder", folder},       {"job", this_job()}, {"message", message}};
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

bool append(fs::path const& file, std::string const& line) {
  std::ofstream stream(file, std::ios::app);
  stream << line << std::flush;
  return stream.good();
}

std::string event_of(ExitCode code) {
  return code == ExitCode::complete ? "complete" : code == ExitCode::stopped ? "stopped" : "failed";
}

}  // namespace

void note_begin(fs::path const& run, std::string const& stage, std::string const& folder) {
  auto const file = file_of(run);
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  validate<Error>(!error && append(file, line_of("begun", stage, folder, "")),
                  "{}: cannot be written; choose a run.dir that can be written", file.string());
}

void note_end(fs::path const& run, std::string const& stage, ExitCode code,
              std::string const& message) noexcept {
  try {
    if (run.empty() || !fs::exists(file_of(run))) return;
    (void)append(file_of(run), line_of(event_of(code), stage, "", message));
  } catch (std::exception const&) {  // the end itself is told elsewhere
  }
}

std::vector<JournalLine> read_journal(fs::path const& run) {
  std::vector<JournalLine> all;
  std::ifstream stream(file_of(run));
  for (std::string text; std::getline(stream, text);) {
    auto const json = Json::parse(text, nullptr, false);
    if (!json.is_object()) continue;
    all.push_back({json.value("at", ""), json.value("event", ""), json.value("stage", ""),
                   json.value("folder", ""), json.value("job", ""), json.value("message", "")});
  }
  return all;
}

}  // namespace moerae::run
