#include "moerae/run/folder.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "moerae/base/check.hpp"
#include "moerae/mpi/comm.hpp"
#include "moerae/run/ledger.hpp"
#include "moerae/store/content_hash.hpp"
#include "moerae/store/publish.hpp"
#include "store/run_folder.hpp"

namespace moerae::run {
namespace {

using Json = nlohmann::ordered_json;

class Folder : public testing::Test {
 protected:
  test::Scratch scratch_;
  std::filesystem::path corpus_ = scratch_ / "c.h5", run_ = scratch_ / "run";
  std::vector<Unit> units_{
      {{"shard-000000.h5"}, 1, 10}, {{"shard-000001.h5"}, 2, 20}, {{"shard-000002.h5"}, 1, 5}};
  Json inputs_;
  mpi::Comm serial_;

  void SetUp() override {
    test::put_shard(corpus_, 77);
    inputs_ = {{"model", "m"}, {"corpus", store::content_hash(corpus_)}};
  }
  RunFolder made() {
    RunFolder folder(run_, "record", inputs_);
    folder.prepare("[run]\n", corpus_, units_);
    return folder;
  }
};

TEST_F(Folder, IsMadeOnceAndSaysHowManyUnitsThereAre) {
  (void)made();
  auto const before = test::slurp(run_ / "manifest.jsonl");
  auto const again = made();
  EXPECT_EQ(test::slurp(run_ / "manifest.jsonl"), before);
  EXPECT_EQ(store::read_stage(run_ / "record").extra.at("units"), 3);
  EXPECT_TRUE(again.finished(units_).empty());
  EXPECT_TRUE(std::filesystem::exists(run_ / "corpus.h5"));
}

TEST_F(Folder, AUnitIsFinishedWhenItIsListedAndThere) {
  auto const folder = made();
  Ledger ledger(serial_, run_, "record", "tokens", 35);
  for (std::size_t const i : {0UL, 2UL}) {
    test::put_shard(folder.path_of(units_[i].files.front()), static_cast<int>(i));
    ledger.post(folder.path_of(units_[i].files.front()), units_[i].amount);
  }
  EXPECT_TRUE(folder.finished(units_).empty());  // not entered yet
  ledger.collect();
  EXPECT_EQ(folder.finished(units_), (UnitSet{0, 2}));
  std::filesystem::remove(folder.path_of(units_[0].files.front()));
  EXPECT_EQ(folder.finished(units_), UnitSet{2});
  std::filesystem::resize_file(folder.path_of(units_[2].files.front()), 100);
  EXPECT_THROW((void)folder.finished(units_), DataError);
  ledger.finish();
}

TEST_F(Folder, WhatAKilledWriterPublishedIsAdopted) {
  auto const folder = made();
  test::put_shard(folder.path_of(units_[1].files.front()), 1);  // published, and killed before it was entered
  test::put(run_ / "record/.shard-000002.h5.77.tmp", "half");
  EXPECT_EQ(made().finished(units_), UnitSet{1});
  EXPECT_FALSE(std::filesystem::exists(run_ / "record/.shard-000002.h5.77.tmp"));
}

TEST_F(Folder, MoreUnitsOfTheSameStageAreCounted) {  // conditions that are added to an evaluation
  (void)made();
  units_.push_back({{"shard-000003.h5"}, 1, 5});
  auto const folder = made();
  EXPECT_EQ(store::read_stage(folder.stage().path).extra.at("units"), 4);
  auto const manifest = store::Manifest::read(run_);
  auto const* listed = manifest.find("record/stage.json");
  ASSERT_NE(listed, nullptr);
  EXPECT_EQ(*listed, store::make_entry(run_, folder.stage().path / "stage.json", "record"));
}

TEST_F(Folder, AnotherStudyIsRefused) {
  (void)made();
  auto other = inputs_;
  other["model"] = "another";
  EXPECT_THROW(RunFolder(run_, "record", other), ConfigError);
  other = inputs_;
  other["corpus"] = "0123";
  EXPECT_THROW(RunFolder(run_, "record", other), ConfigError);
  other = inputs_;
  other["record.batch_tokens"] = 7;  // the same study with other settings: beside it
  EXPECT_NE(RunFolder(run_, "record", other).stage().path, run_ / "record");
}

}  // namespace
}  // namespace moerae::run
