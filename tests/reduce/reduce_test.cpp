// The stage as a whole, at several numbers of ranks.

#include "moerae/reduce/reduce.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/options/inputs.hpp"
#include "moerae/base/check.hpp"
#include "moerae/base/random.hpp"
#include "moerae/mpi/collective.hpp"
#include "moerae/store/content_hash.hpp"
#include "moerae/store/expert_set.hpp"
#include "moerae/store/manifest.hpp"
#include "moerae/store/publish.hpp"
#include "moerae/store/verify.hpp"
#include "reduce/made_run.hpp"
#include "store/scratch.hpp"

namespace moerae {
namespace {

namespace fs = std::filesystem;
using test::message_of_code;
using testing::HasSubstr;

ReduceOptions everything() {
  ReduceOptions options;
  options.seed = 11;
  options.ses = {.regular = "a", .jailbreak = "b", .benign = "c"};
  options.ses.samples = 30;
  options.contrast.groups = {{"a", "b"}, {"a", "c"}};
  options.contrast.count = 3;
  options.contrast.permutations = 500;
  return options;
}

/// A folder that all ranks see; it lives on rank 0.
class Reduce : public testing::Test {
 protected:
  Reduce() {
    if (world_.rank() == 0) scratch_ = std::make_unique<test::Scratch>();
    root_ = mpi::broadcast(world_, scratch_ ? scratch_->path().string() : "");
  }
  ~Reduce() override { mpi::barrier(world_); }

  fs::path made(std::string const& name, std::vector<test::MadePrompt> const& prompts,
                std::size_t shard_prompts = 3) {
    if (world_.rank() == 0) test::write_made_run(root_ / name, prompts, {.shard_prompts = shard_prompts});
    mpi::barrier(world_);
    return root_ / name;
  }
  static nlohmann::ordered_json inputs(ReduceOptions const& options) {
    Study study;
    study.run.seed = options.seed;
    study.ses = options.ses;
    study.contrast = options.contrast;
    study.reduce = options.reduce;
    study.select = options.select;
    return inputs_of(stage::reduce, study, reduce_method, resolved_inputs(options));
  }
  ReduceResult reduce(fs::path const& run, ReduceOptions const& options, fs::path const& from = {}) {
    return run_reduce(world_, {run, from, {}, {}, options, inputs(options), store::make_provenance("")});
  }

  mpi::Comm world_ = mpi::Comm::world();
  std::unique_ptr<test::Scratch> scratch_;
  fs::path root_;
};

/// What must be the same: datasets of scores.h5, sets without provenance.
std::string fingerprint(fs::path const& dir) {
  std::string text = store::content_hash(dir / "scores.h5");
  std::vector<fs::path> sets;
  for (auto const& entry : fs::directory_iterator(dir / "sets")) sets.push_back(entry.path());
  std::ranges::sort(sets);
  for (auto const& path : sets) {
    auto json = nlohmann::json::parse(store::read_text(path));
    EXPECT_TRUE(json.at("provenance").at("in_sample").get<bool>());
    json.erase("provenance");
    text += json.dump() + "\n";
  }
  return text;
}

TEST_F(Reduce, SameBytesAsOnOneRank) {
  auto const run = made("run", test::made_prompts(40), 16);
  auto options = everything();
  options.contrast.groups.push_back({"a", "b/c"});
  options.ses.score = "studentised";
  auto const here = reduce(run, options);
  EXPECT_EQ(here.dir, run / "reduce");
  EXPECT_EQ(here.sets.size(),
            9U + 2 + 4 + 3 * 9);  // neither topics nor token ids: without within_topic and cmh_token
  if (world_.rank() == 0) {
    auto const alone =
        run_reduce({}, {root_ / "alone", run, {}, {}, options, inputs(options), store::make_provenance("")});
    EXPECT_EQ(fingerprint(here.dir), fingerprint(alone.dir));
    EXPECT_EQ(here.sets, alone.sets);
  }
}

TEST_F(Reduce, DoesNotDependOnTheOrderOfPromptsOrTheirShards) {
  auto prompts = test::made_prompts(11);
  auto const one = reduce(made("one", prompts, 3), everything());
  std::ranges::sort(prompts, {}, [](auto const& p) { return random_bits(p.id, 0, 0, 0); });
  auto const two = reduce(made("two", prompts, 8), everything());
  if (world_.rank() == 0) {
    EXPECT_EQ(fingerprint(one.dir), fingerprint(two.dir));
  }
}

TEST_F(Reduce, IsVerifiedAndNotRepeated) {
  auto const run = made("run", test::made_prompts(11));
  auto const first = reduce(run, everything());
  EXPECT_FALSE(first.nothing_new);
  EXPECT_TRUE(store::verify(run, world_).problems.empty());
  auto const bytes = [&] {
    return test::slurp(first.dir / "scores.h5").append(test::slurp(run / "manifest.jsonl"));
  };
  auto const before = bytes();
  mpi::barrier(world_);
  auto const again = reduce(run, everything());
  EXPECT_TRUE(again.nothing_new);
  EXPECT_EQ(again.sets, first.sets);
  EXPECT_EQ(bytes(), before);

  auto changed = everything();
  changed.ses.samples = 32;
  auto const beside = reduce(run, changed);
  EXPECT_FALSE(beside.nothing_new);
  EXPECT_THAT(beside.dir.filename().string(), testing::MatchesRegex("reduce-[0-9a-f]{8}"));
  EXPECT_TRUE(store::verify(run, world_).problems.empty());
  EXPECT_TRUE(reduce(run, everything()).nothing_new);
}

TEST_F(Reduce, DamagedResultsAreMadeAgain) {
  auto const run = made("run", test::made_prompts(11));
  auto const first = reduce(run, everything());
  auto const before = world_.rank() == 0 ? fingerprint(first.dir) : "";
  mpi::barrier(world_);
  if (world_.rank() == 0) {
    std::ofstream(first.dir / "sets/hcdg.json", std::ios::trunc) << "{";
    fs::remove(first.dir / "scores.h5");
  }
  mpi::barrier(world_);
  EXPECT_FALSE(reduce(run, everything()).nothing_new);
  if (world_.rank() == 0) {
    EXPECT_EQ(fingerprint(first.dir), before);
  }
  EXPECT_TRUE(store::verify(run, world_).problems.empty());
}

TEST_F(Reduce, FindsThePreferredExperts) {
  auto const run = made("run", test::made_prompts(25));
  auto const result = reduce(run, everything());
  if (world_.rank() != 0) return;
  for (auto const* criterion : {"risk_difference", "log_odds", "js"}) {
    auto const set = store::read_expert_set(result.dir / "sets" / (std::string(criterion) + "-a-vs-c.json"));
    ASSERT_FALSE(set.experts.empty());
    EXPECT_EQ(set.experts[0].layer.value, 1) << criterion;  // layer index 0
    EXPECT_EQ(set.experts[0].expert.value, 5) << criterion;
    EXPECT_EQ(set.model, "made");
  }
  auto const hrcg = store::read_expert_set(result.dir / "sets/hrcg.json");
  ASSERT_FALSE(hrcg.experts.empty());
  EXPECT_EQ(hrcg.experts[0].expert.value, 5);
  EXPECT_EQ(hrcg.evidence.at("noise_floor").at("sizes").size(), 5U);
  EXPECT_EQ(hrcg.provenance.at("groups").at("a").at("clusters"), 20);
  EXPECT_EQ(hrcg.provenance.at("groups").at("a").at("prompts"), 40);
}

TEST_F(Reduce, ARankThatFindsDamageStopsAll) {
  auto const run = made("run", test::made_prompts(11), 2);
  if (world_.rank() == 0) fs::resize_file(run / "record/shard-000003.h5", 100);
  mpi::barrier(world_);
  auto const message = message_of_code(ExitCode::bad_data, [&] { (void)reduce(run, everything()); });
  EXPECT_THAT(message, HasSubstr("shard-000003.h5"));
  EXPECT_FALSE(fs::exists(run / "reduce"));
}

TEST_F(Reduce, TooFewClustersAreRefusedOnAllRanks) {
  auto const run = made("run", test::made_prompts(1));
  EXPECT_THAT(message_of_code(ExitCode::bad_configuration, [&] { (void)reduce(run, everything()); }),
              HasSubstr("at least 2"));
}

}  // namespace
}  // namespace moerae
