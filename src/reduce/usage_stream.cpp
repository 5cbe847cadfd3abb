#include "moerae/reduce/usage_stream.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <span>

#include "moerae/base/check.hpp"
#include "moerae/base/progress.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/collective.hpp"
#include "moerae/reduce/coverage.hpp"
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

void combine(mpi::Comm const& comm, UsageTable& table) {
  auto largest = table.mass.empty() ? 0 : std::ranges::max(table.mass);
  largest = mpi::maximum(comm, largest);
  mpi::agree(comm, [&] {
    validate<DataError>(largest <= std::numeric_limits<std::int64_t>::max() / comm.size(),
                        "set {}: gate mass of a cluster exceeds 2^31 weights; split it into more clusters",
                        table.name);
  });
  mpi::sum(comm, std::span(table.count));
  mpi::sum(comm, std::span(table.mass));
}

UsageTable const& find(std::vector<UsageTable> const& tables, std::string const& set) {
  auto const at = std::ranges::find(tables, set, &UsageTable::name);
  expect(at != tables.end(), "usage of set {} was not asked for", set);
  return *at;
}

}  // namespace

UsageTable const& UsageTile::of(std::string const& set) const {
  return find(tables, set);
}

Comparison UsageTile::compare(std::string const& a, std::string const& b) const {
  auto const same = same_token.find({a, b});
  return {Group(of(a)), Group(of(b)), same == same_token.end() ? nullptr : &same->second};
}

UsageStream::UsageStream(mpi::Comm const& comm, RecordSource const& source, Corpus const& corpus,
                         Choice choice)
    : comm_(comm), source_(source), corpus_(corpus), choice_(std::move(choice)) {
  auto const ranks = static_cast<std::size_t>(comm.size()), mine = static_cast<std::size_t>(comm.rank());
  mpi::agree(comm, [&] {
    for (auto i = mine; i < source.shards.size(); i += ranks)
      require_intact(source.run / source.shards[i].path, source.shards[i]);
  });
  Coverage coverage(corpus, source);
  mpi::agree(comm, [&] {
    auto const first = open_shard(source, 0);
    space_ = first.space();
    model_id_ = first.model_id();
    layout_ = lay_out(corpus, choice_.usage, comm.rank() == 0);
    for (auto i = mine; i < source.shards.size(); i += ranks) {
      auto const path = (source.run / source.shards[i].path).string();
      auto const shard = open_shard(source, i);
      validate<DataError>(
          shard.space() == space_ && shard.model_id() == model_id_,
          "{}: has other layers, experts or another model than {}; delete the wrong one and repeat "
          "`moerae record`",
          path, source.shards.front().path);
      validate<ConfigError>(
          !choice_.usage.positions.last || shard.has_routing(),
          "contrast.positions = last: needs the routing of every token, which {} does not hold; record "
          "with record.routing = true, or choose content, prompt, response or all",
          path);
      for (auto const id : shard.prompt_ids()) prompts_[i].push_back(coverage.found(id, i));
    }
  });
  coverage.check(comm);
  std::size_t clusters = 0;
  for (auto const& table : layout_.tables) clusters += table.clusters.size();
  auto const layer_bytes = 2 * sizeof(std::int64_t) * clusters * static_cast<std::size_t>(space_.experts);
  tile_layers_ = std::clamp<std::size_t>(choice_.tile_bytes / layer_bytes, 1, space_.layers.size());
}

UsageTable const& UsageStream::facts(std::string const& set) const {
  return find(layout_.tables, set);
}

std::size_t UsageStream::tiles() const {
  return (space_.layers.size() + tile_layers_ - 1) / tile_layers_;
}

void UsageStream::read_mine(UsageTile& tile) const {
  Progress progress("reading usage", "shards", static_cast<double>(prompts_.size()));
  double done = 0;
  for (auto const& [i, prompts] : prompts_) {
    auto const path = (source_.run / source_.shards[i].path).string();
    try {
      add_shard(open_shard(source_, i), prompts, tile.layers, corpus_, choice_.usage.positions, layout_,
                tile.tables);
    } catch (DataError const& error) {
      std::string const message = error.what();
      throw DataError(message.starts_with(path) ? message : path + ": " + message);
    }
    if (comm_.rank() == 0) progress.advance_to(++done);
  }
}

UsageTile UsageStream::read(LayerRange layers) const {
  UsageTile tile{layers, {}, {}};
  for (auto const& facts : layout_.tables) tile.tables.push_back(with_layers(facts, space_.part(layers)));
  mpi::agree(comm_, [&] { read_mine(tile); });
  for (auto& table : tile.tables) combine(comm_, table);
  return tile;
}

void UsageStream::each(std::function<void(UsageTile const&)> const& visit) {
  if (tiles() == 1) {
    if (!whole_) whole_ = read(space_.all());
    return visit(*whole_);
  }
  for (std::size_t first = 0; first < space_.layers.size(); first += tile_layers_)
    visit(read({first, std::min(tile_layers_, space_.layers.size() - first)}));
}

}  // namespace moerae
