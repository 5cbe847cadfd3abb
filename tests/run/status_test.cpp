#include "moerae/run/status.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "moerae/base/check.hpp"
#include "moerae/run/folder.hpp"
#include "moerae/run/journal.hpp"
#include "moerae/store/content_hash.hpp"
#include "moerae/store/publish.hpp"
#include "store/run_folder.hpp"

namespace moerae::run {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;

class Status : public testing::Test {
 protected:
  test::Scratch scratch_;
  std::filesystem::path corpus_ = scratch_ / "c.h5", run_ = scratch_ / "run";
  std::vector<Unit> units_{{{"shard-000000.h5"}, 1, 10}, {{"shard-000001.h5"}, 2, 20}};
  Json inputs_;

  void SetUp() override {
    test::put_shard(corpus_, 77);
    inputs_ = {{"model", "m"}, {"corpus", store::content_hash(corpus_)}, {"record.batch_tokens", 4}};
  }
  RunFolder made(std::filesystem::path const& run) {
    RunFolder folder(run, "record", inputs_);
    folder.prepare("[run]\n", corpus_, units_);
    return folder;
  }
  void publish(RunFolder const& folder, std::size_t unit) {
    auto const path = folder.path_of(units_[unit].files.front());
    test::put_shard(path, static_cast<int>(unit));
    store::Manifest::read(folder.dir()).append(store::make_entry(folder.dir(), path, "record"));
  }
  StageStatus only(std::filesystem::path const& folder) {
    auto const all = status_of(folder);
    EXPECT_EQ(all.size(), 1U);
    return all.front();
  }
  void write_sweep(Json const& inputs) {
    std::filesystem::create_directories(scratch_ / "sweep");
    Json const run{{"name", "cell"}, {"stages", {{{"stage", "record"}, {"inputs", inputs}}}}};
    store::write_text(scratch_ / "sweep" / sweep_file,
                      Json{{"schema", sweep_schema}, {"runs", {run}}}.dump());
  }
};

TEST_F(Status, CountsWhatIsListedAndThere) {
  auto const folder = made(run_);
  EXPECT_EQ(only(run_).total, 2);
  publish(folder, 0);
  EXPECT_EQ(only(run_).done, 1);
  EXPECT_EQ(only(run_).state, "open");
  publish(folder, 1);
  EXPECT_TRUE(only(run_).complete());
  EXPECT_EQ(only(run_).run, "run");
  std::filesystem::remove(folder.path_of("shard-000001.h5"));
  EXPECT_EQ(only(run_).done, 1);
  store::write_text(folder.path_of("shard-000001.h5"), "damaged");
  EXPECT_FALSE(only(run_).complete());
}

TEST_F(Status, TheJournalTellsHowItWent) {
  auto const folder = made(run_);
  note_begin(run_, "record", "record");
  publish(folder, 0);
  EXPECT_EQ(only(run_).state, "begun");
  note_end(run_, "record", ExitCode::stopped, "");
  EXPECT_EQ(only(run_).state, "stopped");
  note_end(run_, "record", ExitCode::bad_data, "disk \"full\"\nand more");
  EXPECT_EQ(only(run_).state, "failed");
  EXPECT_EQ(only(run_).error, "disk \"full\"\nand more");
  note_begin(run_, "record", "record-00000000");  // another folder of the stage
  EXPECT_EQ(only(run_).state, "failed");
  note_begin(run_, "record", "record");
  publish(folder, 1);
  EXPECT_TRUE(only(run_).complete());
  EXPECT_EQ(only(run_).error, "");
}

TEST_F(Status, ATornLineOfTheJournalIsLeftOut) {
  (void)made(run_);
  note_begin(run_, "record", "record");
  std::ofstream(run_ / "log/journal.jsonl", std::ios::app) << "{\"at\": \"20";
  EXPECT_EQ(read_journal(run_).size(), 1U);
  EXPECT_EQ(only(run_).state, "begun");
}

TEST_F(Status, NothingIsNotedWhereNothingBegan) {
  note_end(scratch_ / "none", "record", ExitCode::failure, "x");
  note_end("", "record", ExitCode::failure, "x");
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "none"));
}

TEST_F(Status, WhatIsNoRunIsRefused) {
  EXPECT_THROW((void)status_of(scratch_ / "none"), ConfigError);
  std::filesystem::create_directories(scratch_ / "empty");
  EXPECT_THROW((void)status_of(scratch_ / "empty"), ConfigError);
  std::filesystem::create_directories(scratch_ / "sweep");
  store::write_text(scratch_ / "sweep" / sweep_file, "{}");
  EXPECT_THROW((void)status_of(scratch_ / "sweep"), DataError);
}

TEST_F(Status, ARunOfASweepIsDoneWithTheKeysOfTheSweepOnly) {
  write_sweep(inputs_);
  EXPECT_EQ(only(scratch_ / "sweep").state, "open");
  EXPECT_EQ(only(scratch_ / "sweep").run, "cell");
  auto const folder = made(scratch_ / "sweep" / "cell");
  publish(folder, 0);
  publish(folder, 1);
  EXPECT_TRUE(only(scratch_ / "sweep").complete());
  auto other = inputs_;
  other["record.batch_tokens"] = 5;
  write_sweep(other);
  EXPECT_EQ(only(scratch_ / "sweep").state, "open");
  EXPECT_EQ(only(scratch_ / "sweep").done, 0);
  other = inputs_;
  other["method"] = 2;
  write_sweep(other);
  EXPECT_EQ(only(scratch_ / "sweep").state, "open");
}

TEST_F(Status, AnErrorOfAJobThatNeverBeganIsTakenFromItsLog) {
  write_sweep(inputs_);
  store::write_text(scratch_ / "sweep" / jobs_file, "record\tcell\t12_3\n");
  EXPECT_EQ(only(scratch_ / "sweep").job, "12_3");
  EXPECT_EQ(only(scratch_ / "sweep").state, "open");
  store::write_text(scratch_ / "sweep/log/record-12_3.log",
                    "starting\nmoerae: error: no model\nsrun: error: exit 3\n");
  EXPECT_EQ(only(scratch_ / "sweep").state, "failed");
  EXPECT_THAT(only(scratch_ / "sweep").error, HasSubstr("no model"));
}

}  // namespace
}  // namespace moerae::run
