#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "moerae/corpus/corpus.hpp"
#include "moerae/mpi/comm.hpp"
#include "reduce/usage/checked_record.hpp"
#include "reduce/usage/same_token.hpp"
#include "reduce/usage/usage_rows.hpp"

namespace moerae {

/// Usage of all clusters in some consecutive layers.
struct UsageTile {
  LayerRange layers;
  std::vector<UsageTable> tables;  ///< one per set, in the order of the choice
  /// By (a, b), for the pairs that the stream was asked to compare at the same tokens.
  std::map<std::pair<std::string, std::string>, SameToken> same_token;

  [[nodiscard]] UsageTable const& of(std::string const& set) const;
  [[nodiscard]] Comparison compare(std::string const& a, std::string const& b) const;
};

/// Usage of the discovery split of some sets, in tiles of layers: no more than one of them is in memory. All
/// of it is collective: shard i is read by rank i mod ranks, tiles are combined by integer sums and complete
/// on every rank, the same for any number of ranks and any size of the tiles.
class UsageStream {
 public:
  struct Choice {
    UsageChoice usage;
    std::vector<std::pair<std::string, std::string>> same_token = {};  ///< pairs of sets
    std::size_t tile_bytes = std::size_t{512} << 20;  ///< of a tile's tables, at least one layer
  };

  /// ConfigError as lay_out, and for positions that the record does not hold; all ranks throw the same.
  /// `record` must outlive the stream.
  UsageStream(mpi::Comm const& comm, CheckedRecord const& record, Choice choice);

  [[nodiscard]] ExpertSpace const& space() const { return record_.space; }
  /// Tables without layers: what is known before any usage is read.
  [[nodiscard]] std::vector<UsageTable> const& facts() const { return layout_.tables; }
  [[nodiscard]] UsageTable const& facts(std::string const& set) const;

  /// Calls `visit` with every tile in ascending order. Tiles are read anew by each call, unless one holds the
  /// whole model.
  void each(std::function<void(UsageTile const&)> const& visit);

  UsageStream(UsageStream const&) = delete;  // parts refer to each other
  UsageStream& operator=(UsageStream const&) = delete;
  ~UsageStream() = default;

 private:
  [[nodiscard]] UsageTile read(LayerRange layers) const;
  void read_mine(UsageTile& tile, std::span<SameTokenSums> sums) const;
  [[nodiscard]] std::size_t place(std::string const& set) const;  // in the tables

  mpi::Comm const& comm_;
  CheckedRecord const& record_;
  Choice choice_;
  UsageLayout layout_;
  std::deque<SharedTokens> shared_;  // by pair of same_token
  std::size_t tile_layers_ = 0;
  std::optional<UsageTile> whole_;
};

}  // namespace moerae
