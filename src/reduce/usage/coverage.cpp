#include "reduce/usage/coverage.hpp"

#include <algorithm>
#include <limits>
#include <span>

#include "moerae/base/check.hpp"
#include "moerae/corpus/shards.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/collective.hpp"

namespace moerae {

Coverage::Coverage(Corpus const& corpus, RecordSource const& source)
    : corpus_(corpus),
      source_(source),
      selected_(corpus.size(), false),
      times_(corpus.size(), 0),
      last_shard_(corpus.size(), -1),
      first_shard_negated_(corpus.size(), std::numeric_limits<std::int64_t>::min()) {
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
  auto const p = at->second;
  auto const number = static_cast<std::int64_t>(shard);
  ++times_[p];
  last_shard_[p] = std::max(last_shard_[p], number);
  first_shard_negated_[p] = std::max(first_shard_negated_[p], -number);
  return p;
}

void Coverage::check(mpi::Comm const& comm) const {
  auto times = times_, last = last_shard_, first = first_shard_negated_;
  mpi::sum(comm, std::span(times));
  mpi::maximum(comm, std::span(last));
  mpi::maximum(comm, std::span(first));
  mpi::agree(comm, [&] { require_once(times, first, last); });
}

void Coverage::require_once(std::vector<std::int64_t> const& times, std::vector<std::int64_t> const& first,
                            std::vector<std::int64_t> const& last) const {
  std::vector<std::uint64_t> missing;
  std::size_t selected = 0;
  for (std::size_t p = 0; p < times.size(); ++p) {
    if (times[p] > 1) {
      auto const path = [&](std::int64_t shard) {
        return source_.shards[static_cast<std::size_t>(shard)].path;
      };
      throw DataError(fmt::format(
          "{}: prompt {} stands {} times in the record, in {} and {}; remove one of them and repeat `moerae "
          "record`",
          source_.stage.path.string(), corpus_.prompt_id[p], times[p], path(-first[p]), path(last[p])));
    }
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
