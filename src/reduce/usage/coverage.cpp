#include "reduce/usage/coverage.hpp"

#include <algorithm>
#include <span>

#include "moerae/base/check.hpp"
#include "moerae/corpus/shards.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/collective.hpp"
#include "moerae/record/shard_reader.hpp"

namespace moerae {

Coverage::Coverage(Corpus const& corpus, RecordSource const& source)
    : corpus_(corpus), source_(source), selected_(corpus.size(), false), times_(corpus.size(), 0) {
  for (auto const p : select_prompts(corpus, source.sets, "corpus.sets")) selected_[p] = true;
  index_.reserve(corpus.size());
  for (std::size_t p = 0; p < corpus.size(); ++p) index_.emplace(corpus.prompt_id[p], p);
}

std::size_t Coverage::found(std::uint64_t prompt_id, std::size_t shard) {
  auto const at = index_.find(prompt_id);
  validate<DataError>(
      at != index_.end() && selected_[at->second],
      "{}: holds prompt {}, which {}; its routing is of another study: remove it and repeat `moerae "
      "record`",
      (source_.run / source_.shards[shard].path).string(), prompt_id,
      at == index_.end() ? "the corpus of the run does not have" : "this record does not select");
  ++times_[at->second];
  return at->second;
}

void Coverage::check(mpi::Comm const& comm) const {
  auto times = times_;
  mpi::sum(comm, std::span(times));
  mpi::agree(comm, [&] { require_once(times); });
}

std::string Coverage::holders_of(std::uint64_t prompt_id) const {
  std::string paths;
  for (auto const& shard : source_.shards)
    if (std::ranges::count(ShardReader::open(source_.run / shard.path).prompt_ids(), prompt_id) > 0)
      paths += (paths.empty() ? "" : " and ") + shard.path;
  return paths;
}

void Coverage::require_once(std::vector<std::int64_t> const& times) const {
  std::vector<std::uint64_t> missing;
  std::size_t selected = 0;
  for (std::size_t p = 0; p < times.size(); ++p) {
    validate<DataError>(
        times[p] <= 1,
        "{}: prompt {} stands {} times in the record, in {}; remove one of them and repeat `moerae record`",
        source_.stage.path.string(), corpus_.prompt_id[p], times[p],
        times[p] > 1 ? holders_of(corpus_.prompt_id[p]) : "");
    selected += selected_[p] ? 1 : 0;
    if (selected_[p] && times[p] == 0) missing.push_back(corpus_.prompt_id[p]);
  }
  auto const shown = std::span(missing).first(std::min<std::size_t>(missing.size(), 8));
  validate<DataError>(missing.empty(),
                      "{}: {} of {} prompts are missing (prompt ids {}{}), statistics of the rest would "
                      "not be those of the corpus; repeat `moerae record`, which completes it",
                      source_.stage.path.string(), missing.size(), selected, fmt::join(shown, ", "),
                      shown.size() < missing.size() ? ", ..." : "");
}

}  // namespace moerae
