#include "moerae/reduce/load_usage.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <numeric>
#include <span>

#include "moerae/base/check.hpp"
#include "moerae/base/progress.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/collective.hpp"
#include "moerae/reduce/coverage.hpp"
#include "moerae/reduce/usage_rows.hpp"
#include "moerae/store/content_hash.hpp"

namespace moerae {
namespace {

namespace fs = std::filesystem;

void require_intact(fs::path const& path, store::Entry const& entry) {
  std::error_code missing;
  auto const bytes = fs::file_size(path, missing);
  validate<DataError>(!missing, "{}: listed in the manifest but not there; repeat `moerae record`",
                      path.string());
  validate<DataError>(
      bytes == entry.bytes && store::file_hash(path) == entry.file_hash,
      "{}: differs from its entry in the manifest (damaged or overwritten), statistics on it would be "
      "wrong; delete it and repeat `moerae record`",
      path.string());
}

ShardReader open_shard(RecordSource const& source, std::size_t i) {
  auto shard = ShardReader::open(source.run / source.shards[i].path);
  validate<DataError>(
      shard.stage_hash() == source.stage.hash,
      "{}: is of the record {}, not of {} in {}; shards of two records would be mixed: delete it and "
      "repeat `moerae record`",
      (source.run / source.shards[i].path).string(), shard.stage_hash(), source.stage.hash, source.name());
  return shard;
}

void read_mine(mpi::Comm const& comm, RecordSource const& source, Corpus const& corpus,
               Positions const& positions, UsageSlots const& slots, Coverage& coverage, LoadedUsage& usage) {
  Progress progress("reading usage", "shards", static_cast<double>(source.shards.size()));
  auto const ranks = static_cast<std::size_t>(comm.size());
  for (auto i = static_cast<std::size_t>(comm.rank()); i < source.shards.size(); i += ranks) {
    auto const path = (source.run / source.shards[i].path).string();
    auto const shard = open_shard(source, i);
    validate<DataError>(
        shard.space() == usage.space && shard.model_id() == usage.model_id,
        "{}: has other layers, experts or another model than {}; delete the wrong one and repeat "
        "`moerae record`",
        path, source.shards.front().path);
    validate<ConfigError>(
        !positions.last || shard.has_routing(),
        "contrast.positions = last: needs the routing of every token, which {} does not hold; record "
        "with record.routing = true, or choose content, prompt, response or all",
        path);
    std::vector<std::size_t> prompts;
    for (auto const id : shard.prompt_ids()) prompts.push_back(coverage.found(id, i));
    try {
      add_shard(shard, prompts, corpus, positions, slots, usage.tables);
    } catch (DataError const& error) {
      std::string const message = error.what();
      throw DataError(message.starts_with(path) ? message : path + ": " + message);
    }
    if (comm.rank() == 0) progress.advance_to(static_cast<double>(std::min(i + ranks, source.shards.size())));
  }
}

void combine(mpi::Comm const& comm, UsageTable& table) {
  auto largest = table.mass.empty() ? 0 : std::ranges::max(table.mass);
  largest = mpi::maximum(comm, largest);
  mpi::agree(comm, [&] {
    validate<DataError>(largest <= std::numeric_limits<std::int64_t>::max() / comm.size(),
                        "set {}: gate mass of a cluster exceeds 2^31 weights; split it into more clusters",
                        table.name);
  });
  mpi::sum(comm, std::span(table.tokens));
  mpi::sum(comm, std::span(table.count));
  mpi::sum(comm, std::span(table.mass));
}

void leave_out_silent(UsageTable& table, Positions const& positions, int rank) {
  std::vector<std::size_t> speaking;
  for (std::size_t c = 0; c < table.tokens.size(); ++c)
    if (table.tokens[c] > 0) speaking.push_back(c);
  validate<ConfigError>(
      !speaking.empty(),
      "set {}: none of its {} prompts has a token at contrast.positions = {}; choose other positions "
      "or another set",
      table.name, table.prompts, positions.name);
  auto const silent = table.tokens.size() - speaking.size();
  if (silent == 0) return;
  if (rank == 0)
    spdlog::warn("set {}: {} of {} clusters have no token at positions {} and are left out", table.name,
                 silent, table.tokens.size(), positions.name);
  auto const prompts = table.prompts;
  table = rows_of(table, speaking);
  table.prompts = prompts;
}

}  // namespace

LoadedUsage load_usage(mpi::Comm const& comm, RecordSource const& source, Corpus const& corpus,
                       std::vector<std::string> const& sets, Positions const& positions) {
  auto const ranks = static_cast<std::size_t>(comm.size());
  mpi::agree(comm, [&] {
    for (auto i = static_cast<std::size_t>(comm.rank()); i < source.shards.size(); i += ranks)
      require_intact(source.run / source.shards[i].path, source.shards[i]);
  });
  LoadedUsage usage;
  Coverage coverage(corpus, source);
  mpi::agree(comm, [&] {
    auto const first = open_shard(source, 0);
    usage.space = first.space();
    usage.model_id = first.model_id();
    auto const slots = lay_out(corpus, sets, usage.space, usage.tables);
    read_mine(comm, source, corpus, positions, slots, coverage, usage);
  });
  coverage.check(comm);
  for (auto& table : usage.tables) {
    combine(comm, table);
    mpi::agree(comm, [&] { leave_out_silent(table, positions, comm.rank()); });
  }
  return usage;
}

}  // namespace moerae
