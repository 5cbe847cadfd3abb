#include "reduce/usage/checked_record.hpp"

#include <algorithm>
#include <filesystem>
#include <span>
#include <utility>

#include "moerae/base/check.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/collective.hpp"
#include "reduce/usage/coverage.hpp"

namespace moerae {

namespace fs = std::filesystem;

void require_intact(fs::path const& path, store::Entry const& entry, std::string_view stage) {
  auto const standing = store::standing_of(&entry, path, store::Look::at_bytes);
  validate<DataError>(standing != store::Standing::absent,
                      "{}: listed in the manifest but not there; repeat `moerae {}`", path.string(), stage);
  validate<DataError>(
      standing == store::Standing::whole,
      "{}: differs from its entry in the manifest (damaged or overwritten), statistics on it would be "
      "wrong; delete it and repeat `moerae {}`",
      path.string(), stage);
}

std::string CheckedRecord::path(std::size_t shard) const {
  return (source.run / source.shards[shard].path).string();
}

ShardReader CheckedRecord::open(std::size_t i) const {
  auto shard = ShardReader::open(path(i));
  validate<DataError>(
      shard.stage_hash() == source.stage.hash,
      "{}: is of the record {}, not of {} in {}; shards of two records would be mixed: delete it and "
      "repeat `moerae record`",
      path(i), shard.stage_hash(), source.stage.hash, source.name());
  return shard;
}

CheckedRecord check_record(mpi::Comm const& comm, RecordSource const& source, Corpus const& corpus) {
  auto const ranks = static_cast<std::size_t>(comm.size()), mine = static_cast<std::size_t>(comm.rank());
  mpi::agree(comm, [&] {
    for (auto i = mine; i < source.shards.size(); i += ranks)
      require_intact(source.run / source.shards[i].path, source.shards[i], "record");
  });
  CheckedRecord record{source, corpus, {}, {}, false, {}, nullptr, {}};
  std::vector<double> largest;
  int without_largest = 0;
  Coverage coverage(corpus, source);
  int without = 0;
  mpi::agree(comm, [&] {
    auto const first = record.open(0);
    record.space = first.space();
    record.model_id = first.model_id();
    largest.assign(record.space.size(), 0);
    for (auto i = mine; i < source.shards.size(); i += ranks) {
      auto const shard = record.open(i);
      validate<DataError>(
          shard.space() == record.space && shard.model_id() == record.model_id,
          "{}: has other layers, experts or another model than {}; delete the wrong one and repeat "
          "`moerae record`",
          record.path(i), source.shards.front().path);
      without += shard.has_routing() ? 0 : 1;
      auto const seen = shard.largest_output();
      without_largest += seen.empty() ? 1 : 0;
      for (std::size_t e = 0; e < seen.size(); ++e) largest[e] = std::max<double>(largest[e], seen[e]);
      for (auto const id : shard.prompt_ids()) record.prompts[i].push_back(coverage.found(id, i));
    }
  });
  coverage.check(comm);
  record.has_routing = mpi::sum(comm, without) == 0;
  mpi::maximum(comm, std::span(largest));
  if (mpi::sum(comm, without_largest) == 0) record.largest = std::move(largest);
  return record;
}

}  // namespace moerae
