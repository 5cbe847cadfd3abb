#include "moerae/store/artefacts.hpp"

#include <fnmatch.h>

#include <algorithm>

namespace moerae::store {
namespace {

constexpr bool in_run = false, in_stage = true;
// clang-format off
constexpr Artefact table[] = {
    {"corpus", in_run,   "corpus.h5",      Listing::adopted},
    {"study",  in_run,   "study.ini",      Listing::required},
    {"run",    in_run,   "manifest.jsonl", Listing::none},
    {"log",    in_run,   "log/*",          Listing::none},
    {"record", in_stage, "stage.json",     Listing::none},
    {"record", in_stage, "shard-*.h5",     Listing::adopted},
    {"attribute", in_stage, "stage.json",   Listing::none},
    {"attribute", in_stage, "shard-*.h5",   Listing::adopted},
    {"reduce", in_stage, "stage.json",     Listing::none},
    {"reduce", in_stage, "scores.h5",      Listing::required},
    {"reduce", in_stage, "sets/*.json",    Listing::required},
    {"evaluate", in_stage, "stage.json",    Listing::none},
    {"evaluate", in_stage, "*/shard-*.h5",  Listing::adopted},
    {"evaluate", in_stage, "*/labels.h5",   Listing::required},
    {"evaluate", in_stage, "summary.csv",   Listing::required},
    {"tune",   in_stage, "stage.json",     Listing::none},
    {"tune",   in_stage, "step-*.h5",      Listing::none},
    {"tune",   in_stage, "adapter.h5",     Listing::adopted},
    {"tune",   in_stage, "merged/*",       Listing::none},
    {"tune",   in_stage, "delta/*",        Listing::none},
    {"tune",   in_stage, "peft/*",         Listing::none},
    {"judge",  in_run,   "judge-*.jsonl",  Listing::none},
    {"report", in_run,   "report/*",       Listing::none},
};
// clang-format on

bool matches(std::string_view pattern, std::string const& path) {
  return fnmatch(std::string(pattern).c_str(), path.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0;
}

}  // namespace

bool is_folder_of(std::string_view folder, std::string_view stage) {
  return folder == stage ||
         (folder.size() == stage.size() + 9 && folder.starts_with(stage) && folder[stage.size()] == '-');
}

Artefact const* artefact_of(std::string const& path) {
  auto const slash = path.find('/');
  auto const found = std::ranges::find_if(table, [&](Artefact const& row) {
    if (!row.in_stage) return matches(row.pattern, path);
    return slash != std::string::npos && is_folder_of(std::string_view(path).substr(0, slash), row.stage) &&
           matches(row.pattern, path.substr(slash + 1));
  });
  return found == std::end(table) ? nullptr : found;
}

bool is_unit_of(std::string const& path, std::string_view stage) {
  auto const* kind = artefact_of(path);
  return kind && kind->in_stage && kind->listing == Listing::adopted && kind->stage == stage;
}

}  // namespace moerae::store
