#include "reduce/usage/attributions.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "moerae/base/check.hpp"
#include "moerae/store/artefacts.hpp"
#include "moerae/store/attributions.hpp"
#include "moerae/store/content_hash.hpp"
#include "reduce/usage/checked_record.hpp"

namespace moerae {
namespace {

namespace fs = std::filesystem;

}  // namespace

Attributions::Attributions(fs::path run, fs::path const& folder, Corpus const& corpus)
    : run_(std::move(run)), stage_(store::read_stage(folder)), held_(corpus.size(), false) {
  std::unordered_map<std::uint64_t, std::size_t> index;
  for (std::size_t p = 0; p < corpus.size(); ++p) index.emplace(corpus.prompt_id[p], p);
  auto const name = folder.filename().string();
  std::string contents;
  for (auto const& [path, entry] : store::Manifest::read(run_).entries()) {
    if (!path.starts_with(name + "/") || !store::is_unit_of(path, "attribute")) continue;
    require_intact(run_ / path, entry, "attribute");
    auto const reader = store::AttributedReader::open(run_ / path);
    validate<DataError>(
        reader.stage_hash() == stage_.hash,
        "{}: is of the attribution {}, not of {} in {}; delete it and repeat `moerae attribute`", path,
        reader.stage_hash(), stage_.hash, name);
    Part part{entry, {}};
    for (auto const id : reader.prompt_ids()) {
      auto const at = index.find(id);
      validate<DataError>(at != index.end() && !held_[at->second],
                          "{}: prompt {} {}; remove the file and repeat `moerae attribute`", path, id,
                          at == index.end() ? "is not in the corpus of the run" : "stands twice");
      held_[at->second] = true;
      part.prompts.push_back(at->second);
    }
    contents += fmt::format("{} {}\n", fs::path(path).filename().string(), entry.content_hash.value_or(""));
    files_.push_back(std::move(part));
  }
  validate<ConfigError>(!files_.empty(), "{}: no finished file; repeat `moerae attribute`", folder.string());
  digest_ = store::text_hash(contents);
}

std::size_t Attributions::missing() const {
  auto const units = stage_.extra.find("units");
  validate<DataError>(units != stage_.extra.end() && units->is_number_unsigned(),
                      "{}/stage.json: does not say how many files there are to be, so it is unknown whether "
                      "any is missing; repeat `moerae attribute`",
                      stage_.path.string());
  return units->get<std::size_t>() - std::min(files_.size(), units->get<std::size_t>());
}

bool Attributions::has(std::string const& criterion) const {
  return store::AttributedReader::open(run_ / files_.front().entry.path).has(criterion);
}

void Attributions::add_file(std::size_t i, std::string const& criterion, ExpertSpace const& space,
                            LayerRange layers, UsageLayout const& layout,
                            std::vector<UsageTable>& tables) const {
  auto const& [entry, prompts] = files_[i];
  auto const reader = store::AttributedReader::open(run_ / entry.path);
  validate<DataError>(reader.layers() == space.layers && reader.experts() == space.experts,
                      "{}: has other layers or experts than the record; it is of another model: remove it",
                      entry.path);
  auto const drop = reader.drop(criterion, layers.first, layers.n);
  auto const width = layers.n * static_cast<std::size_t>(space.experts);
  for (std::size_t r = 0; r < prompts.size(); ++r) {
    auto const p = prompts[r];
    if (layout.table[p] == UsageLayout::none) continue;
    auto& table = tables[layout.table[p]];
    for (std::size_t e = 0; e < width; ++e) {
      double const units = static_cast<double>(drop[r * width + e]) / mass_unit;
      validate<DataError>(std::abs(units) < 0x1p52, "{}: prompt {}: a drop of {} nats is out of range",
                          entry.path, reader.prompt_ids()[r], drop[r * width + e]);
      table.mass[layout.row[p] * width + e] += std::llround(units);
    }
  }
}

}  // namespace moerae
