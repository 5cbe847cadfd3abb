#include "moerae/corpus/shards.hpp"

#include <gmock/gmock.h>

#include <limits>
#include <numeric>

#include "corpus/corpus_file.hpp"
#include "moerae/base/check.hpp"

namespace moerae {
namespace {

using test::message_of;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

Corpus corpus_of(std::vector<std::int64_t> const& lengths) {
  Corpus corpus;
  corpus.prompt_id.resize(lengths.size());
  corpus.offset.resize(lengths.size() + 1, 0);
  std::partial_sum(lengths.begin(), lengths.end(), corpus.offset.begin() + 1);
  return corpus;
}

std::vector<std::size_t> everything(Corpus const& corpus) {
  std::vector<std::size_t> all(corpus.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

TEST(SelectPrompts, ByNameInCorpusOrder) {
  test::Scratch const scratch;
  test::CorpusFile file;
  file.set = {1, 0, 1};
  file.pair = {0, 0, -1};
  file.write(scratch / "corpus.h5");
  auto const corpus = read_corpus(scratch / "corpus.h5");
  EXPECT_THAT(select_prompts(corpus, {}, "corpus.sets"), ElementsAre(0, 1, 2));
  EXPECT_THAT(select_prompts(corpus, {"b"}, "corpus.sets"), ElementsAre(0, 2));
  EXPECT_THAT(select_prompts(corpus, {"b", "a"}, "corpus.sets"), ElementsAre(0, 1, 2));
  for (auto const* const name : {"c", "none", ""}) {
    EXPECT_THAT(message_of<ConfigError>([&] {
                  (void)select_prompts(corpus, {"a", name}, "corpus.sets");
                }),
                AllOf(HasSubstr(name), HasSubstr("a, b, none")));
  }
  EXPECT_THROW((void)select_prompts(corpus, {"a", "a"}, "corpus.sets"), ConfigError);
}

TEST(PlanShards, FillsShardsByPromptsAndBatchesByTokens) {
  auto const corpus = corpus_of({4, 6, 3, 20, 1, 10, 2});
  auto const shards = plan_shards(corpus, everything(corpus), 5, 10);
  std::vector<std::vector<std::array<std::size_t, 3>>> plan;
  for (auto const& shard : shards) {
    plan.emplace_back();
    for (auto const& b : shard.batches)
      plan.back().push_back({b.first, b.last, static_cast<std::size_t>(b.tokens)});
  }
  using B = std::array<std::size_t, 3>;
  // 20 tokens are more than a batch and stand alone; a batch does not cross the end of a shard
  EXPECT_THAT(plan, ElementsAre(ElementsAre(B{0, 2, 10}, B{2, 3, 3}, B{3, 4, 20}, B{4, 5, 1}),
                                ElementsAre(B{5, 6, 10}, B{6, 7, 2})));
  EXPECT_EQ(shards[1].id, ShardId(1));
  EXPECT_EQ(shards[0].first, 0U);
  EXPECT_EQ(shards[0].last, 5U);
  EXPECT_EQ(shards[1].last, 7U);
}

TEST(PlanShards, IndexesTheSelectionNotTheCorpus) {
  auto const corpus = corpus_of({100, 1, 100, 2, 3});
  auto const shards = plan_shards(corpus, std::vector<std::size_t>{1, 3, 4}, 2, 5);
  ASSERT_EQ(shards.size(), 2U);
  EXPECT_EQ(shards[0].batches.size(), 1U);
  EXPECT_EQ(shards[0].batches[0].tokens, 3);
  EXPECT_EQ(shards[1].batches[0].tokens, 3);
  EXPECT_TRUE(plan_shards(corpus, {}, 2, 5).empty());
}

TEST(PlanShards, CoversEveryPromptOnceWithinTheLimits) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t i = 0; i < 500; ++i) lengths.push_back(1 + i * 7919 % 97);
  auto const corpus = corpus_of(lengths);
  for (std::int64_t const prompts : {1, 3, 64, 1000}) {
    for (std::int64_t const tokens :
         {std::int64_t{1}, std::int64_t{100}, std::numeric_limits<std::int64_t>::max()}) {
      std::size_t next = 0;
      for (auto const& shard : plan_shards(corpus, everything(corpus), prompts, tokens)) {
        EXPECT_EQ(shard.first, next);
        EXPECT_LE(shard.last - shard.first, static_cast<std::size_t>(prompts));
        for (auto const& batch : shard.batches) {
          EXPECT_EQ(batch.first, next);
          EXPECT_GT(batch.last, batch.first);
          EXPECT_EQ(batch.tokens, corpus.offset[batch.last] - corpus.offset[batch.first]);
          EXPECT_TRUE(batch.tokens <= tokens || batch.last - batch.first == 1);
          next = batch.last;
        }
        EXPECT_EQ(shard.last, next);
      }
      EXPECT_EQ(next, corpus.size());
    }
  }
}

TEST(PlanShards, RefusesLimitsBelowOne) {
  auto const corpus = corpus_of({1});
  EXPECT_THAT(message_of<ConfigError>([&] { (void)plan_shards(corpus, everything(corpus), 0, 5); }),
              HasSubstr("shard_prompts = 0"));
  EXPECT_THAT(message_of<ConfigError>([&] { (void)plan_shards(corpus, everything(corpus), 2, -1); }),
              HasSubstr("batch_tokens = -1"));
}

}  // namespace
}  // namespace moerae
