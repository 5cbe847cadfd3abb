#include "app/options/rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "study_files.hpp"

namespace moerae {
namespace {

using test::faults_of;
using test::read_text;
using testing::HasSubstr;

struct Contradiction {
  char const* study;
  char const* message;
  friend void PrintTo(Contradiction const& row, std::ostream* out) { *out << row.message; }  // names the test
};
class Rule : public testing::TestWithParam<Contradiction> {};
TEST_P(Rule, IsReported) {
  auto const message = faults_of(GetParam().study);
  EXPECT_THAT(message, HasSubstr("1 fault in"));
  EXPECT_THAT(message, HasSubstr(GetParam().message));
}
INSTANTIATE_TEST_SUITE_P(
    All, Rule,
    testing::Values(
        Contradiction{"[run]\ndir = a\nfrom = ./a/\n", "study.ini:3: run.from is run.dir itself"},
        Contradiction{"[record]\nrouting = no\n[contrast]\npositions = last\n",
                      "study.ini:2: contrast.positions = last"},
        Contradiction{"[contrast]\ncriteria = js\n",
                      "study.ini:2: contrast.criteria: compare two sets; name them in contrast.groups"},
        Contradiction{"[ses]\nregular = a\njailbreak = a\n",
                      "study.ini:3: ses.jailbreak: 'a' is also ses.regular"},
        Contradiction{"[ses]\nregular = a\njailbreak = b\nbenign = a\n",
                      "ses.benign: 'a' is also the harmful set"},
        Contradiction{"[ses]\nregular = a\n",
                      "study.ini:2: ses.regular: HCDG and HRCG compare it with ses.jailbreak"},
        Contradiction{"[ses]\njailbreak = a\n",
                      "study.ini:2: ses.regular: HCDG and HRCG compare it with ses.jailbreak"},
        Contradiction{"[ses]\nsets = a b\n", "study.ini:2: ses.sets: 'a b' becomes part of file names"},
        Contradiction{"[ses]\nsamples = 10000002\n", "expected integer >= 2 and <= 10000000"},
        Contradiction{"[ses]\nresample = bootstrap\nsamples = 1\n", "expected integer >= 2 and <= 10000000"},
        Contradiction{"[contrast]\ngroups = a:b\npermutations = 10000001\n",
                      "expected integer >= 0 and <= 10000000"},
        Contradiction{
            "[contrast]\ngroups = a-vs-b:c, a:b-vs-c\n",
            "study.ini:2: contrast.groups: a-vs-b:c and a:b-vs-c have the same name in files, a-vs-b-vs-c"},
        Contradiction{
            "[contrast]\ngroups = a:b/c\n[select.x]\ncriterion = js\ngroups = a:b-and-c\ncount = 1\n",
            "study.ini:5: select.x.groups: a:b/c and a:b-and-c have the same name in files"},
        Contradiction{"[reduce]\ncontrols = 10001\n", "expected integer >= 0 and <= 10000"},
        Contradiction{"[reduce]\nmemory = 16777217\n", "expected integer >= 1 and <= 16777216"},
        Contradiction{"[ses]\nscore = js\n", "name them in contrast.groups"},
        Contradiction{"[contrast]\ngroups = a:b\npermute_within = none, topic\n", "none alone"},
        Contradiction{"[ses]\nsamples = 5\n",
                      "study.ini:2: ses.samples: 5 is odd, and complementary pairs count as two"},
        Contradiction{"[ses]\npreset = paper\nresample = complementary\n", "contradicts ses.preset = paper"},
        Contradiction{"[ses]\npreset = paper\nthreshold = 0.9\n", "contradicts ses.preset = paper"},
        Contradiction{"[ses]\nregular = a\njailbreak = b\n[evaluate]\npreset = paper\nphase = both\n",
                      "study.ini:6: evaluate.phase: contradicts evaluate.preset = paper"},
        Contradiction{"[evaluate]\npreset = paper\n", "name them in ses.regular and ses.jailbreak"},
        Contradiction{"[evaluate]\nrouting = true\n",
                      "study.ini:2: evaluate.routing = true keeps expert ids"},
        Contradiction{"[evaluate]\nsplit = discovery\nconditions = mask:a\n",
                      "study.ini:2: evaluate.split = discovery"},
        Contradiction{"[select.x]\ncriterion =\n", "select.x.criterion"},
        Contradiction{"[select.x]\ncriterion = js\ncount = 3\n", "select.x.groups: required for js"},
        Contradiction{"[select.x]\ncriterion = js\ngroups = a:b\n",
                      "study.ini:2: select.x.count: js scores every expert; say by count or threshold"},
        Contradiction{"[select.x]\ncriterion = js\ngroups = a:b\nthreshold = -0.5\n",
                      "study.ini:4: select.x.threshold = -0.5: expected number >= 0"},
        Contradiction{"[select.x]\ncriterion = js\ngroups = a:b\nset = a\ncount = 3\n", "takes no set"},
        Contradiction{"[select.x]\ncriterion = js\ngroups = a:b/c\nside = both\ncount = 3\n",
                      "study.ini:4: select.x.side: of more than two sets only positive has a meaning"},
        Contradiction{"[select.x]\ncriterion = ses\ngroups = a:b\n",
                      "study.ini:3: select.x.groups: only contrasts have groups, and ses.score is usage"},
        Contradiction{"[ses]\nscore = js\n[contrast]\ngroups = a:b\n"
                      "[select.x]\ncriterion = ses\ngroups = a:b\nset = a\n",
                      "study.ini:8: select.x.set: excludes groups; keep one"},
        Contradiction{"[ses]\nscore = js\n[contrast]\ngroups = a:b\n"
                      "[select.x]\ncriterion = ses\ngroups = a:b/c\n",
                      "study.ini:7: select.x.groups: a selection frequency is of two sets"},
        Contradiction{"[select.x]\ncriterion = hrcg\ngroups = a:b\n[ses]\nregular = a\njailbreak = b\n",
                      "hrcg takes ses.regular and ses.jailbreak"},
        Contradiction{"[select.x]\ncriterion = esft_gate\ngroups = a:b\n", "esft_gate takes a set"},
        Contradiction{"[select.x]\ncriterion = hcdg\n", "needs ses.regular and ses.jailbreak"},
        Contradiction{"[ses]\nregular = a\njailbreak = b\n[select.x]\ncriterion = hcdg-minus-benign\n",
                      "needs ses.benign"},
        Contradiction{"[select.x]\ncriterion = esft_token\np = .2\ncount = 3\n", "alternatives"},
        Contradiction{"[select.x]\ncriterion = ses\np = .2\n",
                      "defined for esft_token and esft_gate, not for ses"},
        Contradiction{"[select.x]\ncriterion = ses\nside = both\n", "only contrasts have two sides"},
        Contradiction{"[corpus]\nsets = a\n[ses]\nsets = b\n", "the set 'b' is not among corpus.sets = a"}));

TEST(Rules, SetsOfEveryStageMustBeRecorded) {
  auto const message = faults_of(
      "[corpus]\nsets = a\n[ses]\nregular = b\njailbreak = c\nbenign = d\n[contrast]\ncriteria = js\ngroups "
      "= e:a\n"
      "[select.x]\ncriterion = js\ngroups = a:f\ncount = 3\n[select.y]\ncriterion = ses\nset = g\n");
  EXPECT_THAT(message, HasSubstr("6 faults"));
}

TEST(Rules, AFaultyKeyContradictsNothing) {
  EXPECT_THAT(faults_of("[contrast]\ncriteria = jss\ngroups = a:b\n"), HasSubstr("1 fault in"));
  EXPECT_THAT(faults_of("[select.x]\ncriterion = sess\nset = a\n"), HasSubstr("1 fault in"));
}

TEST(Resolve, ThePresetSetsWhatItStandsFor) {
  auto const ses = read_text("[ses]\npreset = paper\n").ses;
  EXPECT_EQ(ses.resample, Resampling::bootstrap);
  EXPECT_EQ(ses.threshold, 1);
  auto const evaluate = read_text("[ses]\nregular = a\njailbreak = b\n[evaluate]\npreset = paper\n").evaluate;
  EXPECT_EQ(evaluate.phase, Phase::response);
  ASSERT_EQ(evaluate.conditions.size(), 2U);
  EXPECT_EQ(evaluate.conditions[1].text(), "mask:hrcg");
}

TEST(Resolve, NoCriterionNamedStaysEmptyForAllThatTheSetsAllow) {
  EXPECT_EQ(read_text("[contrast]\ngroups = a:b\ncriteria =\n").contrast.criteria.size(), 0U);
  EXPECT_EQ(read_text("[contrast]\ngroups = a:b\ncriteria = js\n").contrast.criteria.size(), 1U);
  EXPECT_EQ(read_text("").contrast.criteria.size(), 0U);
}

TEST(Resolve, TheOnlyPairOfGroupsServesTheSelections) {
  auto const study = read_text(
      "[contrast]\ngroups = a:b\n[select.x]\ncriterion = js\ncount = 3\n[select.y]\ncriterion = ses\n");
  EXPECT_EQ(study.select[0].groups, study.contrast.groups.front());
  EXPECT_EQ(study.select[1].groups, std::nullopt);
  EXPECT_THAT(
      faults_of("[contrast]\ncriteria = js\ngroups = a:b, a:c\n[select.x]\ncriterion = js\ncount = 3\n"),
      HasSubstr("select.x.groups: required"));
}

}  // namespace
}  // namespace moerae
