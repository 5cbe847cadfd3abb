// Run at several numbers of ranks: the list of problems must not depend on them.
#include "moerae/store/verify.hpp"

#include <gmock/gmock.h>

#include <functional>

#include "moerae/base/check.hpp"
#include "moerae/mpi/collective.hpp"
#include "store/run_folder.hpp"

namespace moerae::store {
namespace {

using testing::ElementsAre;

class Verify : public testing::Test {
 protected:
  mpi::Comm comm_ = mpi::Comm::world();
  std::optional<test::Scratch> scratch_;
  std::filesystem::path run_;

  void SetUp() override {
    if (comm_.rank() == 0) {
      scratch_.emplace();
      test::put_run(scratch_->path(), 5);
    }
    run_ = mpi::broadcast(comm_, scratch_ ? scratch_->path().string() : std::string());
  }
  void TearDown() override { mpi::barrier(comm_); }  // nobody reads any more when rank 0 removes the folder

  /// The paths of what is found after `harm`, done by rank 0; the same on every rank.
  std::vector<std::string> found(std::function<void()> const& harm) {
    if (comm_.rank() == 0) harm();
    mpi::barrier(comm_);
    std::vector<std::string> paths;
    std::string all;
    for (auto const& problem : verify(run_, comm_).problems) {
      paths.push_back(problem.path);
      all += problem.path + problem.message + "\n";
      EXPECT_FALSE(problem.message.empty());
    }
    for (auto const& other : mpi::gather_all(comm_, all)) EXPECT_EQ(other, all);
    return paths;
  }

  static void flip(std::filesystem::path const& path, std::size_t at) {
    auto text = test::slurp(path);
    text.at(at) = static_cast<char>(text[at] ^ 4);
    test::put(path, text);
  }
};

TEST_F(Verify, ASoundRunHasNoProblems) {
  EXPECT_TRUE(found([] {}).empty());
}

TEST_F(Verify, FlippedBitsAreFound) {
  EXPECT_THAT(found([&] {
                flip(run_ / "corpus.h5", 100);
                flip(run_ / "record/shard-000001.h5",
                     std::filesystem::file_size(run_ / "record/shard-000001.h5") - 9);
                flip(run_ / "record/shard-000004.h5", 2500);
                flip(run_ / "reduce/sets/a.json", 3);
                flip(run_ / "record/stage.json", test::slurp(run_ / "record/stage.json").find("\"m\"") + 1);
              }),
              ElementsAre("corpus.h5", "record/shard-000001.h5", "record/shard-000004.h5",
                          "record/stage.json", "reduce/sets/a.json"));
}

TEST_F(Verify, EveryEntryIsReadBySomeRank) {
  std::vector<std::string> paths;
  auto const manifest = Manifest::read(run_);
  for (auto const& [path, entry] : manifest.entries()) paths.push_back(path);
  mpi::barrier(comm_);
  ASSERT_EQ(paths.size(), 7U);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    auto const harmed = found([&] { flip(run_ / paths[i], 2); });
    EXPECT_EQ(harmed,
              std::vector<std::string>(paths.begin(), paths.begin() + static_cast<std::ptrdiff_t>(i) + 1));
  }
}

TEST_F(Verify, EveryBitOfTheManifestCounts) {
  auto const text = test::slurp(run_ / "manifest.jsonl");
  mpi::barrier(comm_);
  for (std::size_t at = 0; at < text.find('\n'); at += 5) {
    EXPECT_FALSE(found([&] {
                   test::put(run_ / "manifest.jsonl", text);
                   flip(run_ / "manifest.jsonl", at);
                 }).empty())
        << at << ": " << text[at];
  }
}

TEST_F(Verify, LostTruncatedForeignAndTemporaryFilesAreFound) {
  EXPECT_THAT(found([&] {
                std::filesystem::remove(run_ / "record/shard-000000.h5");
                std::filesystem::resize_file(run_ / "record/shard-000002.h5", 1000);
                test::put_shard(run_ / "record/shard-000009.h5", 9);
                test::put(run_ / "record/.shard-000010.h5.77.tmp", "");
                test::put(run_ / "reduce-01234567/sets/b.json", "{}");
                test::put(run_ / "log/rank-0000.log", "not an artefact");
              }),
              ElementsAre("record/.shard-000010.h5.77.tmp", "record/shard-000000.h5",
                          "record/shard-000002.h5", "record/shard-000009.h5", "reduce-01234567/sets/b.json"));
}

TEST_F(Verify, StrangersAreNamedAndHarmNothing) {
  EXPECT_TRUE(found([&] {
                test::put(run_ / "notes.txt", "mine");
                test::put(run_ / "record/shard-000001.csv", "no stage writes this");
                test::put(run_ / "record-backup/shard-000001.h5", "no folder of a stage");
                test::put(run_ / "report/index.html", "a report");
              }).empty());
  EXPECT_THAT(verify(run_, comm_).strangers,
              ElementsAre("notes.txt", "record-backup/shard-000001.h5", "record/shard-000001.csv"));
}

TEST_F(Verify, AnExchangeOfTwoShardsIsFound) {
  EXPECT_THAT(found([&] {
                std::filesystem::rename(run_ / "record/shard-000000.h5", run_ / "x");
                std::filesystem::rename(run_ / "record/shard-000001.h5", run_ / "record/shard-000000.h5");
                std::filesystem::rename(run_ / "x", run_ / "record/shard-000001.h5");
              }),
              ElementsAre("record/shard-000000.h5", "record/shard-000001.h5"));
}

TEST_F(Verify, AMissingManifestLeavesEverythingUnlisted) {
  EXPECT_EQ(found([&] { std::filesystem::remove(run_ / "manifest.jsonl"); }).size(), 7U);
}

TEST_F(Verify, AMissingRunIsAConfigurationError) {
  EXPECT_EQ((test::message_of<Error>([&] { (void)verify(run_ / "none", comm_); })).empty(), false);
}

}  // namespace
}  // namespace moerae::store
