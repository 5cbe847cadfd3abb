#include "reduce/usage/same_token.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <numeric>

#include "moerae/base/check.hpp"
#include "moerae/base/random.hpp"
#include "reduce/contrast/criteria.hpp"
#include "reduce/made_run.hpp"

namespace moerae {
namespace {

using test::MadePrompt;

// Ids 0..6 in both sets; a also has 20 + cluster mod 3, b 30.
std::uint32_t id_of(MadePrompt const& prompt, int position) {
  auto const bits =
      random_bits(77, 0, static_cast<std::uint32_t>(prompt.id), static_cast<std::uint32_t>(position));
  auto const id = static_cast<std::uint32_t>(random_below(bits, 9));
  if (id < 7) return id;
  return prompt.set == "a" ? 20 + static_cast<std::uint32_t>(prompt.cluster % 3) : 30;
}

Corpus corpus_of(std::vector<MadePrompt> const& prompts) {
  Corpus c;
  c.has_tokens = true;
  c.offset = {0};
  c.set.categories = {"a", "b", "c"};
  for (auto const& p : prompts) {
    auto const start = c.offset.back();
    c.prompt_id.push_back(p.id);
    c.cluster.push_back(p.cluster);
    c.split.push_back(Split{p.split});
    c.set.code.push_back(p.set[0] - 'a');
    c.content_offset.push_back({start + 1, start + 1 + p.content});
    c.response_offset.push_back(start + 2 + p.content);
    c.offset.push_back(start + p.length());
    for (int i = 0; i < p.length(); ++i) c.tokens.push_back(id_of(p, i));
  }
  c.topic.code.assign(prompts.size(), 0);
  c.topic.categories = {"t"};
  c.pair.assign(prompts.size(), -1);
  return c;
}

bool counts(Positions const& positions, MadePrompt const& p, int i) {
  if (positions.last) return i == p.content + 1;
  return positions.classes[i >= p.content + 2 ? 2 : i >= 1 && i <= p.content ? 1 : 0];
}

Positions const content{"content", {false, true, true}, false};
Positions const last{"last", {}, true};

// Residuals in double: [cluster][L*K], and tokens.
struct Expected {
  std::map<std::int64_t, std::vector<double>> residual;
  std::map<std::int64_t, std::int64_t> tokens;
};

std::array<Expected, 2> by_hand(std::vector<MadePrompt> const& prompts, Positions const& positions) {
  auto const space = test::made_space();
  struct Pool {
    std::vector<double> selected = std::vector<double>(16, 0.0);
    std::array<double, 2> tokens{};
  };
  std::map<std::uint32_t, Pool> pools;
  auto const each = [&](auto const& action) {
    for (auto const& p : prompts)
      if (p.split == 0 && p.set != "c")
        for (int i = 0; i < p.length(); ++i)
          if (counts(positions, p, i)) action(p, p.set == "a" ? 0U : 1U, i, id_of(p, i));
  };
  auto const selected = [&](MadePrompt const& p, int i, std::vector<double>& into) {
    for (std::size_t l = 0; l < 2; ++l)
      for (auto const e : test::made_experts(p, l, i)) into[space.index(l, static_cast<std::size_t>(e))] += 1;
  };
  each([&](auto const& p, unsigned side, int i, std::uint32_t id) {
    pools[id].tokens[side] += 1;
    selected(p, i, pools[id].selected);
  });
  std::array<Expected, 2> out;
  each([&](auto const& p, unsigned side, int i, std::uint32_t id) {
    auto const& pool = pools[id];
    if (pool.tokens[0] == 0 || pool.tokens[1] == 0) return;
    auto& residual = out[side].residual[p.cluster];
    residual.resize(16);
    selected(p, i, residual);
    for (std::size_t e = 0; e < 16; ++e) residual[e] -= pool.selected[e] / (pool.tokens[0] + pool.tokens[1]);
    ++out[side].tokens[p.cluster];
  });
  return out;
}

class SameTokenTest : public testing::Test {
 protected:
  test::Scratch scratch_;
  std::vector<MadePrompt> prompts_ = test::made_prompts(13);
  Corpus corpus_ = corpus_of(prompts_);
  mpi::Comm comm_ = mpi::Comm::world();

  // Shards of `n` prompts; every rank writes its own copies.
  std::vector<std::filesystem::path> shards(std::size_t n, bool routing = true) {
    std::vector<std::filesystem::path> out;
    for (std::size_t first = 0; first < prompts_.size(); first += n) {
      out.push_back(scratch_ / fmt::format("{}-{}.h5", n, first));
      test::write_made_shard(out.back(), part(first, n), "0123456789abcdef", {.routing = routing});
    }
    return out;
  }
  std::vector<MadePrompt> part(std::size_t first, std::size_t n) const {
    auto const from = prompts_.begin() + static_cast<std::ptrdiff_t>(first);
    return {from, from + static_cast<std::ptrdiff_t>(std::min(n, prompts_.size() - first))};
  }

  SameToken same_token(Positions const& positions, LayerRange layers, std::size_t shard_prompts,
                       mpi::Comm const& comm, bool routing = true) {
    auto const layout = lay_out(corpus_, {.sets = {"c", "a", "b"}, .positions = positions}, false);
    SharedTokens const shared(corpus_, positions, layout, 1, 2);
    std::vector<SameTokenSums> sums;
    sums.emplace_back(shared, test::made_space().part(layers));
    auto const paths = shards(shard_prompts, routing);
    for (auto i = static_cast<std::size_t>(comm.rank()); i < paths.size();
         i += static_cast<std::size_t>(comm.size())) {
      std::vector<std::size_t> indices(part(i * shard_prompts, shard_prompts).size());
      std::iota(indices.begin(), indices.end(), i * shard_prompts);
      add_shard(ShardReader::open(paths[i]), indices, layers, corpus_, sums);
    }
    return sums[0].finish(comm);
  }
};

TEST_F(SameTokenTest, IsWhatATokenIdDoesNotExplain) {
  Positions const response{"response", {false, false, true}, false}, all{"all", {true, true, true}, false};
  for (auto const& positions : {content, response, all, last}) {
    SCOPED_TRACE(positions.name);
    auto const same = same_token(positions, {0, 2}, 5, comm_);
    auto const expected = by_hand(prompts_, positions);
    std::vector<double> sum(16, 0.0);
    auto const layout = lay_out(corpus_, {.sets = {"a", "b"}, .positions = positions}, false);
    for (std::size_t side = 0; side < 2; ++side) {
      auto const& [tokens, sums] = side == 0 ? same.a : same.b;
      auto const& clusters = layout.tables[side].clusters;
      ASSERT_EQ(tokens.size(), clusters.size());
      for (std::size_t c = 0; c < clusters.size(); ++c) {
        auto const known = expected[side].tokens.find(clusters[c]);
        EXPECT_EQ(tokens[c], known == expected[side].tokens.end() ? 0 : known->second);
        for (std::size_t e = 0; e < 16; ++e) {
          auto const residual = static_cast<double>(sums[c * 16 + e]) * same_token_unit;
          auto const due = tokens[c] > 0 ? expected[side].residual.at(clusters[c])[e] : 0;
          EXPECT_NEAR(residual, due, tokens[c] > 0 ? same_token_unit : 0);
          sum[e] += residual;
        }
      }
    }
    for (auto const s : sum) EXPECT_NEAR(s, 0, 25 * same_token_unit);  // observed less expected, all in all
  }
}

TEST_F(SameTokenTest, IsTheSameForAnyShardsTilesAndRanks) {
  auto const whole = same_token(content, {0, 2}, 5, comm_);
  auto const alone = same_token(content, {0, 2}, 100, mpi::Comm());
  EXPECT_EQ(whole.a.sum, alone.a.sum);
  EXPECT_EQ(whole.b.sum, alone.b.sum);
  EXPECT_EQ(whole.b.tokens, alone.b.tokens);
  for (std::size_t l = 0; l < 2; ++l) {
    auto const tile = same_token(content, {l, 1}, 7, comm_);
    for (std::size_t i = 0; i < tile.a.sum.size(); ++i)
      EXPECT_EQ(tile.a.sum[i], whole.a.sum[i / 8 * 16 + 8 * l + i % 8]);
  }
}

// 80 clusters of both sets, 40 tokens each: the sets use the words 0..3 unequally. One expert of a token
// (0..3) is its word, the other one (4 or 5) goes with the set.
TEST(SameTokenConfounding, WordsAreRemovedAndWhatTheGroupChangesStays) {
  ExpertSpace const space{{0}, 6, 2};
  std::vector<MadePrompt> prompts;
  for (std::uint64_t c = 0; c < 80; ++c)
    for (std::string const set : {"a", "b"})
      prompts.push_back({prompts.size(), set, static_cast<std::int64_t>(c), 0, 40, 0});
  auto corpus = corpus_of(prompts);
  auto const draw = [](std::uint32_t stream, std::size_t at, std::uint64_t n) {
    return random_below(random_bits(5, stream, static_cast<std::uint32_t>(at), 0), n);
  };
  for (std::size_t i = 0; i < corpus.tokens.size(); ++i) {
    bool const in_a = i / 42 % 2 == 0;
    corpus.tokens[i] = static_cast<std::uint32_t>(draw(0, i, 10) < 6 ? (in_a ? 0 : 1) : draw(1, i, 4));
  }
  auto const layout = lay_out(corpus, {.sets = {"a", "b"}, .positions = content}, false);
  UsageTable a = with_layers(layout.tables[0], space), b = with_layers(layout.tables[1], space);
  SharedTokens const shared(corpus, content, layout, 0, 1);
  SameTokenSums sums(shared, space);
  for (std::size_t p = 0; p < prompts.size(); ++p) {
    auto& table = p % 2 == 0 ? a : b;
    std::vector<std::uint16_t> ids;
    for (std::size_t i = 42 * p; i < 42 * (p + 1); ++i) {
      auto const of_set = draw(2, i, 10) < (p % 2 == 0 ? 6 : 4) ? 4 : 5;
      ids.push_back(static_cast<std::uint16_t>(corpus.tokens[i]));
      ids.push_back(static_cast<std::uint16_t>(of_set));
      if (!counts(content, prompts[p], static_cast<int>(i % 42))) continue;
      ++table.count[p / 2 * 6 + corpus.tokens[i]];
      ++table.count[p / 2 * 6 + static_cast<std::size_t>(of_set)];
    }
    sums.add_prompt(p, ids);
  }
  auto const same = sums.finish(mpi::Comm());
  Comparison const groups{Group(a), Group(b), &same};
  auto const plain = contrast::find("studentised")->score(groups).score;
  auto const matched = contrast::find("cmh_token")->score(groups).score;
  EXPECT_GT(plain[0], 7);
  EXPECT_LT(plain[1], -7);
  EXPECT_EQ(matched[0], 0);  // a word selects its expert always: nothing is left, not even noise
  EXPECT_EQ(matched[1], 0);
  for (auto const& t : {plain, matched}) {
    EXPECT_GT(t[4], 6);
    EXPECT_LT(t[5], -6);
  }
}

TEST_F(SameTokenTest, RefusesWhatCannotBeCompared) {
  EXPECT_THAT(test::message_of<ConfigError>([&] {
                (void)same_token(content, {0, 2}, 100, mpi::Comm(), false);
              }),
              testing::HasSubstr("record.routing = true"));
  auto const layout = lay_out(corpus_, {.sets = {"a", "b"}, .positions = content}, false);
  auto other = corpus_;
  for (std::size_t i = 0; i < other.tokens.size(); ++i) other.tokens[i] = static_cast<std::uint32_t>(i);
  EXPECT_THAT(SharedTokens(other, content, layout, 0, 1).obstacle(),
              testing::HasSubstr("no token id occurs in both"));
  other.has_tokens = false;
  EXPECT_THAT(SharedTokens(other, content, layout, 0, 1).obstacle(), testing::HasSubstr("no token ids"));
}

TEST_F(SameTokenTest, AnotherCorpusIsRefused) {
  auto const layout = lay_out(corpus_, {.sets = {"a", "b"}, .positions = content}, false);
  SharedTokens const shared(corpus_, content, layout, 0, 1);
  std::vector<SameTokenSums> sums;
  sums.emplace_back(shared, test::made_space());
  auto const path = shards(100).front();
  std::vector<std::size_t> reversed(prompts_.size());
  std::iota(reversed.rbegin(), reversed.rend(), std::size_t{0});
  EXPECT_THAT(test::message_of<DataError>([&] {
                add_shard(ShardReader::open(path), reversed, {0, 2}, corpus_, sums);
              }),
              testing::HasSubstr("the record is of another corpus"));
}

}  // namespace
}  // namespace moerae
