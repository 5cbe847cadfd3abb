#include "reduce/usage/usage_rows.hpp"

#include <algorithm>
#include <cmath>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

constexpr std::size_t classes = position_class_names.size();

void add_to(std::int64_t& sum, std::int64_t value) {
  validate<DataError>(!__builtin_add_overflow(sum, value, &sum),
                      "gate mass of a cluster exceeds 2^31 weights; split the set into more clusters");
}

// Tokens of each class as the corpus has them.
std::array<std::int64_t, classes> lengths(Corpus const& corpus, std::size_t p) {
  std::array<std::int64_t, classes> n{};
  for (std::int64_t i = 0; i < corpus.length(p); ++i)
    ++n[static_cast<std::size_t>(position_class(corpus, p, i))];
  return n;
}

void add_classes(UsageRows const& rows, std::size_t r, std::array<std::int64_t, classes> const& due,
                 Positions const& positions, std::uint64_t prompt_id, UsageTable& table, std::size_t row) {
  auto const size = table.space.size();
  for (std::size_t c = 0; c < classes; ++c) {
    std::int64_t const tokens = rows.tokens[r * classes + c];
    validate<DataError>(
        tokens == due[c] || tokens == 0,
        "prompt {}: {} tokens of class {} were recorded, the corpus has {}; the record is of another "
        "corpus: record again into a new run.dir",
        prompt_id, tokens, position_class_names[c], due[c]);
    if (!positions.classes[c]) continue;
    validate<ConfigError>(tokens == due[c],
                          "{} = {}: positions of class {} were not recorded (prompt {}); choose other "
                          "positions or record them",
                          positions.key, positions.name, position_class_names[c], prompt_id);
    auto const from = (r * classes + c) * size, to = row * size;
    for (std::size_t e = 0; e < size; ++e) {
      table.count[to + e] += rows.count[from + e];
      add_to(table.mass[to + e], rows.mass[from + e]);
    }
  }
}

void add_last(ShardReader const& shard, std::size_t r, LayerRange layers, Corpus const& corpus, std::size_t p,
              UsageTable& table, std::size_t row) {
  require_routing(shard, r, corpus, p);
  auto const last = corpus.response_offset[p] - corpus.offset[p] - 1;  // without a response: the last of all
  validate<DataError>(last >= 0,
                      "prompt {}: its response starts at its first token, so it has no last prompt token; "
                      "leave it out of the corpus or choose other positions",
                      corpus.prompt_id[p]);
  auto const token = shard.routing(r, last, layers);
  auto const k = static_cast<std::size_t>(table.space.top_k);
  for (std::size_t i = 0; i < token.expert.size(); ++i) {
    auto const e =
        row * table.space.size() + table.space.index(i / k, static_cast<std::size_t>(token.expert[i]));
    ++table.count[e];
    add_to(table.mass[e], std::llround(static_cast<double>(token.weight[i]) / mass_unit));
  }
}

}  // namespace

void require_routing(ShardReader const& shard, std::size_t row, Corpus const& corpus, std::size_t p) {
  validate<DataError>(
      shard.routed_tokens(row) == corpus.length(p),
      "prompt {}: routing of {} tokens was recorded, the corpus has {}; the record is of another corpus: "
      "record again into a new run.dir",
      corpus.prompt_id[p], shard.routed_tokens(row), corpus.length(p));
}

void add_shard(ShardReader const& shard, std::vector<std::size_t> const& prompts, LayerRange layers,
               Corpus const& corpus, Positions const& positions, UsageLayout const& layout,
               std::vector<UsageTable>& tables) {
  auto const block = shard.rows_at_once(layers);
  for (std::size_t first = 0; first < prompts.size(); first += block) {
    auto const n = std::min(block, prompts.size() - first);
    auto const rows = shard.usage(first, n, layers);
    for (std::size_t r = 0; r < n; ++r) {
      auto const p = prompts[first + r];
      if (layout.table[p] == UsageLayout::none) continue;
      auto& table = tables[layout.table[p]];
      if (positions.last)
        add_last(shard, first + r, layers, corpus, p, table, layout.row[p]);
      else
        add_classes(rows, r, lengths(corpus, p), positions, corpus.prompt_id[p], table, layout.row[p]);
    }
  }
}

}  // namespace moerae
