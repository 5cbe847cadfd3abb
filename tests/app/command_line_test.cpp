#include "app/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string no_text(CommandLine const&) {
  return {};
}

using Takes = Command::Takes;
Command const commands[] = {{"plan", "what", no_text, Takes::study, stage::plan},
                            {"record", "how", no_text, Takes::study, stage::record, true},
                            {"reduce", "why", no_text, Takes::study, stage::reduce, true},
                            {"show", "where", no_text, Takes::keys},
                            {"defaults", "when", no_text}};

std::string refusal(std::vector<std::string> const& words) {
  try {
    static_cast<void>(read_command_line(commands, words));
  } catch (ConfigError const& error) {
    return error.what();
  }
  return {};
}

TEST(CommandLine, CommandStudyAndKeys) {
  auto const line = read_command_line(commands, {"record", "a.ini", "--run.dir", "b", "--run.seed=3"});
  EXPECT_EQ(line.command->name, "record");
  EXPECT_TRUE(line.command->one_job);
  EXPECT_EQ(line.study.file, "a.ini");
  EXPECT_THAT(line.study.words, ElementsAre("--run.dir", "b", "--run.seed=3"));
  EXPECT_THAT(line.study.required, ElementsAre("run.dir", "model.path", "corpus.path"));
}

TEST(CommandLine, TheStudyMayStandAfterKeysOrBeLeftOut) {
  EXPECT_EQ(read_command_line(commands, {"reduce", "--run.dir", "b", "a.ini"}).study.file, "a.ini");
  EXPECT_EQ(read_command_line(commands, {"reduce", "--run.dir", "b"}).study.file, std::nullopt);
}

TEST(CommandLine, ASecondStudyIsAFault) {
  auto const line = read_command_line(commands, {"reduce", "a.ini", "b.ini"});
  EXPECT_THROW(static_cast<void>(read_study(line.study)), ConfigError);
}

TEST(CommandLine, KeysToBeShown) {
  auto const line = read_command_line(commands, {"show", "a.ini", "run.dir", "--run.seed", "3", "run.seed"});
  EXPECT_EQ(line.study.file, "a.ini");
  EXPECT_THAT(line.keys, ElementsAre("run.dir", "run.seed"));
  EXPECT_THAT(line.study.words, ElementsAre("--run.seed", "3"));
  EXPECT_THAT(refusal({"show", "a.ini"}), HasSubstr("no key is given"));
  EXPECT_THAT(usage(*line.command),
              HasSubstr("moerae show STUDY.ini KEY [KEY ...] [--section.key VALUE ...]\n"));
}

TEST(CommandLine, HelpAndVersion) {
  EXPECT_TRUE(read_command_line(commands, {"--help"}).help);
  EXPECT_TRUE(read_command_line(commands, {"-h"}).help);
  EXPECT_TRUE(read_command_line(commands, {"--version"}).version);
  auto const line = read_command_line(commands, {"plan", "--help"});
  EXPECT_TRUE(line.help);
  EXPECT_EQ(line.command->name, "plan");
}

TEST(CommandLine, UnknownCommandsNameTheNearest) {
  EXPECT_THAT(refusal({"recrod"}), HasSubstr("did you mean 'record'?"));
  EXPECT_THAT(refusal({}), HasSubstr("no command is given"));
  EXPECT_THAT(refusal({"defaults", "x"}), HasSubstr("takes no further words"));
}

TEST(CommandLine, UsageListsEveryCommand) {
  for (auto const& command : commands) EXPECT_THAT(usage(commands), HasSubstr("\n  " + command.name + " "));
}

TEST(CommandLine, HelpListsTheKeysThatACommandReads) {
  auto const text = usage(*read_command_line(commands, {"record"}).command);
  EXPECT_THAT(text, HasSubstr("--record.batch_tokens"));
  EXPECT_THAT(text, HasSubstr("[8192]"));
  EXPECT_THAT(text, HasSubstr("Required: run.dir model.path corpus.path"));
  EXPECT_THAT(text, Not(HasSubstr("--ses.regular")));
  EXPECT_THAT(usage(*read_command_line(commands, {"reduce"}).command), HasSubstr("--select.NAME.criterion"));
}

}  // namespace
}  // namespace moerae
