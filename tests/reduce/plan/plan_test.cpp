#include "reduce/plan/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moerae/base/check.hpp"
#include "moerae/reduce/plan/check_options.hpp"
#include "store/scratch.hpp"

namespace moerae {
namespace {

using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;

Corpus corpus_of(std::vector<std::string> const& sets) {
  Corpus corpus;
  corpus.set.categories = sets;
  auto const prompts = 2 * sets.size();  // each its own cluster
  for (std::size_t p = 0; p < prompts; ++p) {
    auto const at = static_cast<std::int64_t>(p);
    corpus.prompt_id.push_back(p);
    corpus.set.code.push_back(static_cast<std::int32_t>(p % sets.size()));
    corpus.topic.code.push_back(-1);
    corpus.cluster.push_back(at);
    corpus.split.push_back(Split::discovery);
    corpus.content_offset.push_back({4 * at + 1, 4 * at + 3});  // a token of the template on each side
    corpus.response_offset.push_back(4 * at + 4);
  }
  for (std::size_t p = 0; p <= prompts; ++p) corpus.offset.push_back(4 * static_cast<std::int64_t>(p));
  return corpus;
}

Corpus const corpus = corpus_of({"regular", "jailbreak", "permitted"});

std::vector<std::string> names_of(ReducePlan const& plan) {
  std::vector<std::string> names;
  for (auto const& request : plan.requests) names.push_back(request.name);
  return names;
}

std::string fault(ReduceOptions const& options, Corpus const& of = corpus) {
  return message_of<ConfigError>([&] { check_against_corpus(options, of, {}, true); });
}

TEST(Plan, WithoutKeysEverySetIsScored) {
  auto const plan = plan_reduce({}, corpus, {});
  EXPECT_THAT(plan.ses_sets, ElementsAre("jailbreak", "permitted", "regular"));
  EXPECT_THAT(names_of(plan),
              ElementsAre("ses-jailbreak", "ses-permitted", "ses-regular", "esft_token-jailbreak",
                          "esft_gate-jailbreak", "esft_token-permitted", "esft_gate-permitted",
                          "esft_token-regular", "esft_gate-regular"));
  EXPECT_THAT(plan_reduce({}, corpus, {.sets = {"regular"}}).sets,
              ElementsAre("regular"));  // what was recorded
}

TEST(Plan, DefaultSetsOfGroupsAndContrasts) {
  ReduceOptions options;
  options.ses = {.regular = "regular", .jailbreak = "jailbreak", .benign = "permitted"};
  options.contrast.groups = {{"regular", "permitted"}};
  options.contrast.criteria = {"js", "risk_difference"};
  auto const names = names_of(plan_reduce(options, corpus, {}));
  for (std::string const name : {"hcdg", "hcdg-minus-benign", "hrcg", "hrcg-undetermined",
                                 "js-regular-vs-permitted", "risk_difference-regular-vs-permitted"})
    EXPECT_THAT(names, testing::Contains(name));
  EXPECT_EQ(names.size(), 9U + 4 + 2 - 6 + 6);
  options.ses.preset = "paper";
  EXPECT_THAT(names_of(plan_reduce(options, corpus, {})),
              testing::Not(testing::Contains("hrcg-undetermined")));
}

TEST(Plan, SelectReplacesTheDefaultsAndWidensWhatIsComputed) {
  ReduceOptions options;
  options.ses.sets = {"regular"};
  options.contrast.criteria = {"js"};
  options.select = {{.name = "one", .criterion = "esft_token", .set = "permitted"},
                    {.name = "two",
                     .criterion = "log_odds",
                     .groups = {{"regular", "jailbreak"}},
                     .count = 3,
                     .side = store::Side::both}};
  auto const plan = plan_reduce(options, corpus, {});
  EXPECT_THAT(names_of(plan), ElementsAre("one", "two"));
  EXPECT_EQ(plan.requests[0].p, .2);  // the published share
  EXPECT_THAT(plan.ses_sets, ElementsAre("regular"));
  EXPECT_THAT(plan.esft_sets, ElementsAre("permitted", "regular"));
  EXPECT_THAT(plan.sets, ElementsAre("jailbreak", "permitted", "regular"));
  EXPECT_EQ(plan.criteria.size(), 2U);
  EXPECT_EQ(plan.pairs.size(), 1U);
}

TEST(Plan, AgainstSeveralSets) {
  ReduceOptions options;
  options.contrast.criteria = {"js", "template_gate"};
  options.contrast.groups = {{"regular", "jailbreak/permitted"}};
  auto const plan = plan_reduce(options, corpus, {});
  EXPECT_THAT(names_of(plan), testing::IsSupersetOf({"js-regular-vs-jailbreak-and-permitted",
                                                     "template_gate-regular-vs-jailbreak-and-permitted"}));
  EXPECT_EQ(plan.pairs.size(), 2U);
  ASSERT_EQ(plan.passes.size(), 2U);  // template_gate has positions of its own
  EXPECT_EQ(plan.passes[0].positions.name, "content");
  EXPECT_EQ(plan.passes[1].positions.name, "template");
}

TEST(Plan, WhatTheSetsDoNotAllowIsLeftOutOrRefused) {
  ReduceOptions options;
  options.contrast.groups = {{"regular", "permitted"}};
  auto const plan = plan_reduce(options, corpus, {.routing = false});
  EXPECT_THAT(plan.left_out, testing::UnorderedElementsAre(
                                 HasSubstr("paired_t"), HasSubstr("within_topic"), HasSubstr("cmh_token"),
                                 HasSubstr("single_mask of regular:permitted, random_mask of")));
  EXPECT_THAT(names_of(plan), testing::Not(testing::Contains("paired_t-regular-vs-permitted")));
  options.contrast.criteria = {"paired_t", "cmh_token"};
  EXPECT_THAT(message_of<ConfigError>([&] { (void)plan_reduce(options, corpus, {.routing = false}); }),
              testing::AllOf(HasSubstr("paired_t of regular:permitted"), HasSubstr("record.routing = true")));
}

TEST(Plan, SetsThatAreNotThereAreReportedTogether) {
  ReduceOptions options;
  options.ses = {.regular = "regular", .jailbreak = "jail", .sets = {"permitted", "harmless"}};
  options.contrast.groups = {{"regular", "permitted/nobody"}};
  options.select = {{.name = "x", .criterion = "js", .groups = {{"none", "regular"}}, .count = 1},
                    {.name = "y", .criterion = "ses", .set = "one"},
                    {.name = "z", .criterion = "ses"}};
  auto const message = fault(options);
  for (auto const* line :
       {"ses.jailbreak = jail: no such prompt set is recorded; there are jailbreak, permitted, regular",
        "ses.sets = harmless: no such", "contrast.groups = nobody: no such",
        "select.x.groups = none: no such", "select.y.set = one: no such",
        "select.z.set: ses scores one prompt set; name one of"})
    EXPECT_THAT(message, HasSubstr(line));
  options = {};
  options.ses.sets = {"permitted"};
  EXPECT_THAT(message_of<ConfigError>([&] { check_against_corpus(options, corpus, {"regular"}, true); }),
              HasSubstr("ses.sets = permitted: no such prompt set is recorded; there are regular"));
}

TEST(Plan, SetsThatAreTooSmall) {
  auto small = corpus;
  small.split[0] = Split::validation;             // one cluster of `regular` is left
  small.split[1] = small.split[4] = Split::test;  // none of `jailbreak`
  ReduceOptions options;
  options.contrast.groups = {{"regular", "permitted"}};
  options.ses.sets = {"permitted"};
  EXPECT_THAT(fault(options, small), testing::StartsWith("set regular: its discovery split is 1 cluster"));
  options = {};
  options.ses.sets = {"jailbreak", "regular"};
  EXPECT_THAT(fault(options, small),
              testing::AllOf(HasSubstr("set jailbreak: has no prompt in the discovery"),
                             HasSubstr("set regular: its discovery split")));
  options.ses = {.sets = {"permitted"}, .positions = "response"};
  EXPECT_THAT(fault(options, small),
              HasSubstr("none of its 2 prompts has a token at ses.positions = response"));
  options = {};
  options.select = {{.name = "x", .criterion = "esft_gate", .set = "regular"}};
  options.ses.sets = {"permitted"};
  EXPECT_NO_THROW(check_against_corpus(options, small, {}, true));  // nothing is resampled
}

TEST(Plan, AStudyThatOnlyRecordsIsNotHeldToWhatScoresNeed) {
  auto const odd = corpus_of({"a set"});
  EXPECT_NO_THROW(check_against_corpus({}, odd, {}, false));
  EXPECT_THAT(message_of<ConfigError>([&] { (void)plan_reduce({}, odd, {.routing = false}); }),
              HasSubstr("set 'a set' becomes part of file names"));
}

}  // namespace
}  // namespace moerae
