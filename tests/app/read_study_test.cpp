#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/options/read.hpp"
#include "study_files.hpp"

namespace moerae {
namespace {

using test::faults_of;
using test::read_text;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

TEST(ReadStudy, ValuesOfTheFile) {
  auto const study = read_text(
      "# a study\n[run]\nseed = 18446744073709551615\nwall_limit = 1.5\n\n[model]\r\ndtype = bfloat16\r\n"
      "[corpus]\nsets = regular, jailbreak # two\n[record]\nlogits = all\n[ses]\nalpha = .25\n");
  EXPECT_EQ(study.run.seed, 18446744073709551615U);
  EXPECT_EQ(study.run.wall_limit, 1.5);
  EXPECT_EQ(study.model.dtype, "bfloat16");
  EXPECT_THAT(study.corpus.sets, ElementsAre("regular", "jailbreak"));
  EXPECT_EQ(study.record.logits, Logits::all);
  EXPECT_EQ(study.ses.alpha, 0.25);
}

TEST(ReadStudy, GroupsAreALosslessList) {
  auto const study = read_text("[contrast]\ncriteria = js\ngroups = a:b, c : d\n");
  ASSERT_EQ(study.contrast.groups.size(), 2U);
  EXPECT_EQ(study.contrast.groups[1].a, "c");
  EXPECT_EQ(study.contrast.groups[1].b, "d");
}

TEST(ReadStudy, TheCommandLineOverridesTheFile) {
  auto const study = read_text("[run]\nseed = 1\n[record]\nbatch_tokens = 5\nlogits = maybe\n",
                               {"--run.seed", "2", "--record.logits=all", "--corpus.sets="});
  EXPECT_EQ(study.run.seed, 2U);
  EXPECT_EQ(study.record.batch_tokens, 5);
  EXPECT_EQ(study.record.logits,
            Logits::all);  // a bad value of the file does not matter once it is overridden
}

TEST(ReadStudy, AnEmptyValueOnTheCommandLineClearsAList) {
  EXPECT_THAT(read_text("[corpus]\nsets = a\n", {"--corpus.sets="}).corpus.sets, ElementsAre());
  EXPECT_THAT(read_text("[corpus]\nsets = a\n", {"--corpus.sets", ""}).corpus.sets, ElementsAre());
}

TEST(ReadStudy, CommandLineAlone) {
  EXPECT_EQ(read_study({{}, {"--run.seed", "7"}}).run.seed, 7U);
}

TEST(ReadStudy, PathsAreRelativeToTheirOrigin) {
  test::Folder const folder;
  auto const file = folder.write("study.ini", "[run]\ndir = ../runs/a/\n[model]\npath = /models/m\n");
  auto const study = read_study({file, {"--corpus.path", "data/corpus.h5"}});
  EXPECT_EQ(study.run.dir, folder.path().parent_path() / "runs/a");
  EXPECT_EQ(study.model.path, "/models/m");
  EXPECT_EQ(study.corpus.path, fs::current_path() / "data/corpus.h5");
}

TEST(ReadStudy, SelectionsFromFileAndCommandLine) {
  auto const study = read_text("[select.first.one]\ncriterion = esft_token\nset = law\np = 0.2\n",
                               {"--select.second.criterion", "js", "--select.second.groups=a:b",
                                "--select.second.count=3", "--select.first.one.p", "0.3"});
  ASSERT_EQ(study.select.size(), 2U);
  EXPECT_EQ(study.select[0].name, "first.one");
  EXPECT_EQ(study.select[0].criterion, "esft_token");
  EXPECT_EQ(study.select[0].p, 0.3);
  EXPECT_EQ(study.select[1].name, "second");
  EXPECT_EQ(study.select[1].groups.value().text(), "a:b");
}

TEST(ReadStudy, AllFaultsInOneError) {
  auto const message = faults_of("[run]\nseed = -1\n[model]\ndtyp = float32\n[grid]\nexpert = 0\n",
                                 {"--record.precision", "float15"}, {"run.dir"});
  EXPECT_THAT(message, HasSubstr("5 faults"));
  EXPECT_THAT(message, HasSubstr("study.ini:2: run.seed = -1: expected integer >= 0"));
  EXPECT_THAT(message, HasSubstr("study.ini:4: model.dtyp: unknown key; did you mean model.dtype?"));
  EXPECT_THAT(message, HasSubstr("study.ini:6: grid.expert = 0: expected integer >= 1"));
  EXPECT_THAT(message,
              HasSubstr("command line: record.precision = float15: expected auto | float16 | float32"));
  EXPECT_THAT(message, HasSubstr("run.dir: required here and not given"));
}

TEST(ReadStudy, UnknownKeys) {
  EXPECT_THAT(faults_of("dir = x\n"), HasSubstr("study.ini:1: dir: unknown key; did you mean run.dir?"));
  EXPECT_THAT(faults_of("[run]\nbatch_token = 1\n"), HasSubstr(".batch_tokens?"));
  EXPECT_THAT(faults_of("[evaluate]\nphse = prompt\n"), HasSubstr("did you mean evaluate.phase?"));
  EXPECT_THAT(faults_of("", {"--zzzzzzzz.yyyyyyyy", "1"}),
              HasSubstr("command line: zzzzzzzz.yyyyyyyy: unknown key\n"));
  EXPECT_THAT(faults_of("[select.a]\ncriterion = ses\nsett = x\n"), HasSubstr("did you mean select.a.set?"));
  EXPECT_THAT(faults_of("[select]\ncriterion = ses\n"), HasSubstr("did you mean select.NAME.criterion?"));
}

TEST(ReadStudy, KeysOfLaterStagesAreNotUnknown) {
  auto const message = faults_of("[tune]\neval_steps = 8\n");
  EXPECT_THAT(message, HasSubstr("tune.eval_steps belongs to losses on the validation split"));
  EXPECT_THAT(message, Not(HasSubstr("unknown")));
}

TEST(ReadStudy, KeysAndWordsOfEarlierVersionsSayWhatTookTheirPlace) {
  auto const message = faults_of(
      "[ses]\nbounds = meinshausen-buhlmann\nresample = half\n[tune]\ngradient_accumulation_steps = 2\n");
  EXPECT_THAT(message, HasSubstr("ses.bounds is gone: every selection states the unimodal bound"));
  EXPECT_THAT(message, HasSubstr("give complementary"));
  EXPECT_THAT(message,
              HasSubstr("tune.gradient_accumulation_steps is gone: tune.batch_tokens counts over all ranks"));
}

TEST(ReadStudy, ValuesOfLaterVersions) {
  for (auto const* const words :
       {"--model.device=cuda", "--model.schedule=layer-major", "--grid.exchange=gather"})
    EXPECT_THAT(faults_of("", {words}), HasSubstr("not available in this version")) << words;
}

TEST(ReadStudy, OnlyContrastsTakeGroupsByOutcome) {
  EXPECT_THAT(faults_of("", {"--ses.sets=a@refused"}), HasSubstr("compared by contrast.groups"));
  EXPECT_THAT(faults_of("", {"--contrast.groups=a@refused:a@complied"}), testing::IsEmpty());
  EXPECT_THAT(faults_of("", {"--corpus.sets=a", "--contrast.groups=b@refused:a"}),
              HasSubstr("the set 'b' is not among corpus.sets"));
}

TEST(ReadStudy, Duplicates) {
  EXPECT_THAT(faults_of("[run]\nseed = 1\n[model]\n[run]\nseed = 1\n"),
              HasSubstr("study.ini:5: run.seed: given twice (first: study.ini:2)"));
  EXPECT_THAT(faults_of("", {"--run.seed", "1", "--run.seed=2"}),
              HasSubstr("command line: run.seed: given twice"));
}

TEST(ReadStudy, LinesThatCannotBeRead) {
  EXPECT_THAT(faults_of("[run]\nseed\n"),
              HasSubstr("study.ini:2: 'seed' is neither [section] nor key = value"));
  EXPECT_THAT(faults_of("[run]\ndir = a#b\n"), HasSubstr("study.ini:2: a '#' starts a comment"));
  EXPECT_EQ(faults_of("\xEF\xBB\xBF[run]\nseed = 1 # one\n#seed = 2\n"), "");
}

TEST(ReadStudy, QuotesAndCommentsAsInOtherIniFiles) {
  auto const of = [](std::string const& value) {
    return read_text("; a study\n[run] ; where\ndir = " + value + "\n").run.dir.filename();
  };
  EXPECT_EQ(of("\"quoted folder\" # note"), "quoted folder");
  EXPECT_EQ(of("'it is'"), "it is");
  EXPECT_EQ(of("out ; a note"), "out");
  EXPECT_EQ(of("a;b"), "a;b");
  EXPECT_EQ(of("don't"), "don't");
  EXPECT_THAT(faults_of("[run]\ndir = \"a\n"), HasSubstr("study.ini:2: the quote of dir is not closed"));
  EXPECT_THAT(faults_of("[run]\ndir = \"a\" b\n"),
              HasSubstr("study.ini:2: text behind the closing quote of dir"));
  EXPECT_THAT(faults_of("[run]\n = b\n"),
              HasSubstr("study.ini:2: '= b' is neither [section] nor key = value"));
}

TEST(ReadStudy, WordsThatAreNoKeys) {
  EXPECT_THAT(faults_of("", {"-n", "2"}), HasSubstr("command line: '-n' is neither a key nor its value"));
  EXPECT_THAT(faults_of("", {"--run.seed", "--run.dir", "x"}),
              HasSubstr("command line: --run.seed has no value"));
  EXPECT_THAT(faults_of("", {"--"}), HasSubstr("'--' is neither a key"));
}

TEST(ReadStudy, AFileThatIsNotThere) {
  EXPECT_THROW(static_cast<void>(read_study({"no/such.ini"})), ConfigError);
  EXPECT_THROW(static_cast<void>(read_study({fs::temp_directory_path()})), ConfigError);
}

TEST(ReadStudy, NamesOfSelectionsBecomeFileNames) {
  for (auto const* const name : {"a/b", "..", "a b", "-x"})
    EXPECT_THAT(faults_of("", {std::string("--select.") + name + ".criterion=ses"}),
                HasSubstr("the name becomes that of a file"))
        << name;
}

TEST(ReadStudy, ARequiredKeyWithABadValueIsReportedOnce) {
  EXPECT_THAT(faults_of("", {"--run.dir", "a#b"}, {"run.dir"}), HasSubstr("1 fault in"));
}

}  // namespace
}  // namespace moerae
