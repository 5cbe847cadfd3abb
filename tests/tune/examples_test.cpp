#include "moerae/tune/examples.hpp"

#include <gtest/gtest.h>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

Corpus corpus_of_six() {
  Corpus corpus;
  corpus.has_tokens = true;
  corpus.set.categories = {"learn", "keep"};
  corpus.offset = {0};
  corpus.continuations.offset = {0};
  for (std::uint32_t p = 0; p < 6; ++p) {
    corpus.prompt_id.push_back(p);
    for (std::uint32_t i = 0; i < 4; ++i) corpus.tokens.push_back(10 * p + i);
    corpus.offset.push_back(4 * (p + 1));
    corpus.response_offset.push_back(corpus.offset.back());
    corpus.set.code.push_back(p < 4 ? 0 : 1);
    corpus.split.push_back(p == 1 ? Split::validation : Split::discovery);
  }
  corpus.response_offset[2] -= 2;  // a recorded reply
  auto const reply = [&](std::int64_t prompt, ContinuationKind kind,
                         std::vector<std::uint32_t> const& tokens) {
    auto& more = corpus.continuations;
    more.tokens.insert(more.tokens.end(), tokens.begin(), tokens.end());
    more.offset.push_back(static_cast<std::int64_t>(more.tokens.size()));
    more.prompt.push_back(prompt);
    more.kind.push_back(kind);
  };
  reply(0, ContinuationKind::target, {70, 71, 72});
  reply(0, ContinuationKind::refuse, {99});
  reply(0, ContinuationKind::target, {80});
  reply(1, ContinuationKind::target, {81});
  reply(4, ContinuationKind::target, {90, 91});
  return corpus;
}

TEST(ExamplesTest, AreTargetsElseTheRecordedReplyOfDiscovery) {
  auto const corpus = corpus_of_six();
  TuneOptions options;
  options.retain_sets = {"keep"};
  auto const found = find_examples(corpus, options);
  ASSERT_EQ(found.all.size(), 4U);  // two targets of prompt 0, the reply of 2, the target of 4
  EXPECT_EQ(found.left_out, 2U);    // 3 and 5
  std::vector<std::size_t> prompts;
  for (auto const& one : found.all) prompts.push_back(one.prompt);
  EXPECT_EQ(prompts, (std::vector<std::size_t>{0, 0, 2, 4}));
  EXPECT_EQ(fed_tokens(corpus, found.all[0]), (std::vector<std::uint32_t>{0, 1, 2, 3, 70, 71}));
  EXPECT_EQ(found.all[0].tokens(), 6);
  EXPECT_EQ(fed_tokens(corpus, found.all[1]), (std::vector<std::uint32_t>{0, 1, 2, 3}));
  EXPECT_EQ(fed_tokens(corpus, found.all[2]), (std::vector<std::uint32_t>{20, 21, 22}));
  EXPECT_EQ(reply_tokens(corpus, found.all[2]).back(), 23U);
  EXPECT_FALSE(found.all[2].retain);
  EXPECT_TRUE(found.all[3].retain);
}

TEST(ExamplesTest, AreTheRepliesThatAreAskedFor) {
  auto const corpus = corpus_of_six();
  TuneOptions options;
  options.retain_sets = {"keep"};
  options.reply = Learned::refuse;
  auto const found = find_examples(corpus, options);
  ASSERT_EQ(found.all.size(), 2U);  // the refusal of prompt 0, and the target of 4, which is kept
  EXPECT_EQ(found.left_out, 3U);    // 2, whose recorded reply may be none, 3 and 5
  EXPECT_EQ(reply_tokens(corpus, found.all[0]).front(), 99U);
  EXPECT_EQ(reply_tokens(corpus, found.all[1]).front(), 90U);
  EXPECT_TRUE(found.all[1].retain);
  options.reply = Learned::comply;
  EXPECT_THROW((void)find_examples(corpus, options), ConfigError);
}

TEST(ExamplesTest, HeldOutWrappersAreNotTunedOn) {
  auto corpus = corpus_of_six();
  corpus.wrapper.categories = {"old", "new"};
  corpus.wrapper.code = {1, -1, -1, -1, 0, -1};
  TuneOptions options;
  options.retain_sets = {"keep"};
  options.hold_out = {"new"};
  auto const found = find_examples(corpus, options);
  ASSERT_EQ(found.all.size(), 2U);  // of prompts 2 and 4
  EXPECT_EQ(found.all[0].prompt, 2U);
  EXPECT_EQ(found.all[1].prompt, 4U);
  options.hold_out = {"newer"};
  EXPECT_THROW((void)find_examples(corpus, options), ConfigError);
}

TEST(ExamplesTest, RefusesWhatCannotBeLearned) {
  auto const corpus = corpus_of_six();
  TuneOptions both;
  both.sets = both.retain_sets = {"learn"};
  EXPECT_THROW((void)find_examples(corpus, both), ConfigError);
  TuneOptions nothing;
  nothing.retain_sets = {"learn", "keep"};
  EXPECT_THROW((void)find_examples(corpus, nothing), ConfigError);
  TuneOptions unknown;
  unknown.sets = {"other"};
  EXPECT_THROW((void)find_examples(corpus, unknown), ConfigError);
}

}  // namespace
}  // namespace moerae
