#include "app/sweep/sweep.hpp"

#include <gmock/gmock.h>

#include "app/sweep/axes.hpp"
#include "study_files.hpp"

namespace moerae {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr auto models = R"([model]
path = /a/one | /a/two
[corpus]
path = c.h5
[run]
seed = 1..3
)";

Sweep read(std::string const& text, std::vector<std::string> words = {}) {
  test::Folder const folder;
  words.insert(words.end(), {"--sweep.dir", "/sweep"});
  return read_sweep({folder.write("sweep.ini", text), words});
}

std::string faults_of_sweep(std::string const& text, std::vector<std::string> const& words = {}) {
  try {
    (void)read(text, words);
  } catch (ConfigError const& error) {
    return error.what();
  }
  return {};
}

std::vector<std::string> names(Sweep const& sweep) {
  std::vector<std::string> all;
  for (auto const& cell : sweep.cells) all.push_back(cell.name);
  return all;
}

TEST(Sweep, AllIsCombinedWithAllAndTheFirstKeyVariesSlowest) {
  auto const sweep = read(models);
  EXPECT_THAT(names(sweep),
              ElementsAre("one-seed1", "one-seed2", "one-seed3", "two-seed1", "two-seed2", "two-seed3"));
  auto const& cell = sweep.cells[4];
  EXPECT_EQ(cell.study.run.dir, "/sweep/two-seed2");
  EXPECT_EQ(cell.study.run.seed, 2U);
  EXPECT_EQ(cell.study.model.path, "/a/two");
  EXPECT_THAT(cell.values, ElementsAre(std::pair<std::string, std::string>("model.path", "/a/two"),
                                       std::pair<std::string, std::string>("run.seed", "2")));
}

TEST(Sweep, KeysOfAGroupAdvanceTogether) {
  auto const sweep = read(std::string(models) + "[record]\nbatch_tokens = 7 | 8\n",
                          {"--sweep.zip", "record.batch_tokens + model.path"});
  EXPECT_EQ(sweep.cells.size(), 6U);
  for (auto const& cell : sweep.cells)
    EXPECT_EQ(cell.study.record.batch_tokens, cell.study.model.path == "/a/one" ? 7 : 8) << cell.name;
}

TEST(Sweep, CombinationsAreLeftOutByValueOrLabel) {
  auto const sweep = read(models, {"--sweep.exclude", "model.path = two + run.seed = 2, run.seed = 3"});
  EXPECT_THAT(names(sweep), ElementsAre("one-seed1", "one-seed2", "two-seed1"));
  EXPECT_EQ(sweep.excluded, 3U);
}

TEST(Sweep, NamesFollowTheirForm) {
  EXPECT_EQ(read(models, {"--sweep.names", "s{run.seed}.{model.path}"}).cells[5].name, "s3.two");
  EXPECT_EQ(read(models, {"--sweep.names", "{model.path}-{corpus.path}-{run.seed}"}).cells[0].name,
            "one-c.h5-1");
  auto const alike = read(models, {"--model.path", "/a/model|/b/model", "--run.seed", "1|2"});
  EXPECT_EQ(alike.cells[0].name, "a-model-seed1");  // as many parts as tell them apart
}

TEST(Sweep, JobsCanVaryWithTheModel) {
  auto const sweep = read(std::string(models) + "[job.record]\ntasks = 2 | 8\ncpus = 3\n",
                          {"--sweep.zip", "model.path + job.record.tasks"});
  EXPECT_EQ(*sweep.cells.front().jobs.at("record").tasks, 2);
  EXPECT_EQ(*sweep.cells.back().jobs.at("record").tasks, 8);
  EXPECT_EQ(*sweep.cells.back().jobs.at("record").cpus, 3);
}

TEST(Sweep, StagesAreInTheOrderInWhichTheyRun) {
  EXPECT_THAT(read(models, {"--sweep.stages", "evaluate, record, reduce"}).options.stages,
              ElementsAre("record", "reduce", "evaluate"));
}

TEST(Sweep, FaultsAreNamedOnceWithTheirCells) {
  EXPECT_THAT(faults_of_sweep(std::string(models) + "[grid]\nexpert = 0\n[ses]\nsamples = 0 | 100\n"),
              AllOf(HasSubstr("2 faults"), HasSubstr("every cell: "), HasSubstr("grid.expert = 0"),
                    HasSubstr("one-seed1-samples0, one-seed2-samples0"), HasSubstr("ses.samples")));
  EXPECT_THAT(faults_of_sweep("[model]\npath = a | b\n"),
              AllOf(HasSubstr("every cell: corpus.path: required"), Not(HasSubstr("run.dir"))));
}

struct Refused {
  std::vector<std::string> words;
  char const* message;
};
class RefusedSweep : public testing::TestWithParam<Refused> {};
TEST_P(RefusedSweep, SaysWhy) {
  EXPECT_THAT(faults_of_sweep(models, GetParam().words), HasSubstr(GetParam().message));
}
INSTANTIATE_TEST_SUITE_P(
    All, RefusedSweep,
    testing::Values(
        Refused{{"--run.dir", "x"}, "every cell has a run directory of its own"},
        Refused{{"--run.from", "x"}, "which cells share a record"},
        Refused{{"--run.seed", "1|1"}, "'1' is there twice"},
        Refused{{"--run.seed", "1||2"}, "nothing stands between"}, Refused{{"--run.seed", "3..1"}, "ascends"},
        Refused{{"--sweep.zip", "model.path + run.seed"}, "model.path has 2 values and run.seed has 3"},
        Refused{{"--sweep.zip", "corpus.path + record.batch_tokens"}, "corpus.path has not several values"},
        Refused{{"--sweep.zip", "model.path, model.path + run.seed"}, "is there twice"},
        Refused{{"--sweep.exclude", "corpus.path = c.h5"}, "corpus.path has not several values"},
        Refused{{"--sweep.exclude", "run.seed = 4"}, "'4' is not among the values of run.seed"},
        Refused{{"--sweep.exclude", "run.seed"}, "expected KEY = VALUE"},
        Refused{{"--sweep.exclude", "model.path = one, model.path = two"}, "leaves no cell"},
        Refused{{"--sweep.names", "{model.path}"}, "two cells are called 'one'"},
        Refused{{"--sweep.names", "{model}"}, "{model} is no key of this sweep"},
        Refused{{"--sweep.names", "../{model.path}{run.seed}"}, "the name becomes that of a folder"},
        Refused{{"--sweep.stages", "record, judge"}, "sweep.stages"},
        Refused{{"--sweep.stage", "record"}, "did you mean sweep.stages?"},
        Refused{{"--job.judge.tasks", "1"}, "'judge' is no stage of a sweep"},
        Refused{{"--job.record.task", "1"}, "did you mean job.record.tasks?"},
        Refused{{"--job.record.time", "soon"}, "4:00:00"},
        // of the file and of the cells at once
        Refused{{"--run.seed", "1|1", "--record.batch_tokens", "no"}, "record.batch_tokens = no"}));

}  // namespace
}  // namespace moerae
