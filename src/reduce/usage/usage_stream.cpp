#include "reduce/usage/usage_stream.hpp"

#include <algorithm>
#include <limits>
#include <span>

#include "moerae/base/check.hpp"
#include "moerae/base/faults.hpp"
#include "moerae/base/progress.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/collective.hpp"
#include "reduce/usage/attributions.hpp"

namespace moerae {
namespace {

void combine(mpi::Comm const& comm, UsageTable& table) {
  auto const largest = mpi::maximum(comm, std::ranges::max(table.mass));
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

UsageStream::UsageStream(mpi::Comm const& comm, CheckedRecord const& record, Choice choice)
    : comm_(comm), record_(record), choice_(std::move(choice)) {
  mpi::agree(comm, [&] {
    auto const& positions = choice_.usage.positions;
    validate<ConfigError>(
        !positions.last || record.has_routing,
        "{} = last: needs the routing of every token, which {} does not hold; record with record.routing = "
        "true, or choose prefill, content, prompt, response or all",
        positions.key, record.source.stage.path.string());
    layout_ = lay_out(record.corpus, choice_.usage, comm.rank() == 0);
    Faults faults;
    for (auto const& table : layout_.tables)
      if (auto const why = nothing_to_count(table, positions); !why.empty()) faults.add({}, "{}", why);
    faults.raise();
    for (auto const& [a, b] : choice_.same_token)
      if (auto const why =
              shared_.emplace_back(record.corpus, positions, layout_, place(a), place(b)).obstacle();
          !why.empty())
        throw ConfigError(why);
  });
  std::size_t clusters = 0;
  for (auto const& table : layout_.tables) clusters += table.clusters.size();
  auto expert_bytes = 2 * sizeof(std::int64_t) * clusters;
  for (auto const& shared : shared_)
    expert_bytes +=
        sizeof(std::uint32_t) * shared.ids() +
        2 * sizeof(std::int64_t) * (shared.facts(0).clusters.size() + shared.facts(1).clusters.size());
  auto const layer_bytes = expert_bytes * static_cast<std::size_t>(space().experts);
  tile_layers_ = std::clamp<std::size_t>(choice_.tile_bytes / layer_bytes, 1, space().layers.size());
}

std::size_t UsageStream::place(std::string const& set) const {
  return static_cast<std::size_t>(&facts(set) - layout_.tables.data());
}

UsageTable const& UsageStream::facts(std::string const& set) const {
  return find(layout_.tables, set);
}

void UsageStream::read_mine(UsageTile& tile, std::span<SameTokenSums> sums) const {
  Progress progress("reading usage", "shards", static_cast<double>(record_.prompts.size()));
  double done = 0;
  if (auto const& drop = choice_.usage.positions.drop; !drop.empty()) {
    auto const& from = *choice_.usage.attributions;
    for (auto i = static_cast<std::size_t>(comm_.rank()); i < from.files();
         i += static_cast<std::size_t>(comm_.size()))
      from.add_file(i, drop, space(), tile.layers, layout_, tile.tables);
    return;
  }
  for (auto const& [i, prompts] : record_.prompts) {
    auto const path = record_.path(i);
    try {
      auto const shard = record_.open(i);
      add_shard(shard, prompts, tile.layers, record_.corpus, choice_.usage.positions, layout_, tile.tables);
      if (!sums.empty()) add_shard(shard, prompts, tile.layers, record_.corpus, sums);
    } catch (DataError const& error) {
      std::string const message = error.what();
      throw DataError(message.starts_with(path) ? message : path + ": " + message);
    }
    if (comm_.rank() == 0) progress.advance_to(++done);
  }
}

UsageTile UsageStream::read(LayerRange layers) const {
  UsageTile tile{layers, {}, {}};
  for (auto const& facts : layout_.tables) tile.tables.push_back(with_layers(facts, space().part(layers)));
  std::vector<SameTokenSums> sums;
  for (auto const& shared : shared_) sums.emplace_back(shared, space().part(layers));
  mpi::agree(comm_, [&] { read_mine(tile, sums); });
  for (auto& table : tile.tables) combine(comm_, table);
  for (std::size_t i = 0; i < sums.size(); ++i)
    tile.same_token.emplace(choice_.same_token[i], sums[i].finish(comm_));
  return tile;
}

void UsageStream::each(std::function<void(UsageTile const&)> const& visit) {
  if (tile_layers_ == space().layers.size()) {
    if (!whole_) whole_ = read(space().all());
    return visit(*whole_);
  }
  for (std::size_t first = 0; first < space().layers.size(); first += tile_layers_)
    visit(read({first, std::min(tile_layers_, space().layers.size() - first)}));
}

}  // namespace moerae
