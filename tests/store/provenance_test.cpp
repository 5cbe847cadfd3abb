#include "moerae/store/provenance.hpp"

#include <gmock/gmock.h>

#include "moerae/base/build_info.hpp"
#include "moerae/store/manifest.hpp"
#include "store/scratch.hpp"

namespace moerae::store {
namespace {

TEST(Provenance, BecomesRootAttributes) {
  test::Scratch const scratch;
  setenv("SLURM_JOB_ID", "4711", 1);
  auto provenance = make_provenance("moerae.routing/1");
  unsetenv("SLURM_JOB_ID");
  provenance.command_line = "moerae record a.ini";
  provenance.config = R"({"run":{"seed":3}})";
  provenance.model_id = "m";
  provenance.seed = 3;
  provenance.shard = 2;
  provenance.shards = 5;
  provenance.rank = 1;
  provenance.ranks = 4;
  provenance.grid = "2x2";
  provenance.prompt_equivalent = true;
  auto file = File::create(scratch / "a.h5");
  write_provenance(file, provenance);
  file.write("x", std::vector<float>{1}, {1});
  auto unfinished = File::create(scratch / "b.h5");
  unfinished.close();
  mark_complete(file);
  file.close();
  EXPECT_TRUE(is_complete(scratch / "a.h5"));
  EXPECT_FALSE(is_complete(scratch / "b.h5"));
  auto const in = File::open(scratch / "a.h5");
  for (auto const& [name, value] : std::initializer_list<std::pair<char const*, std::string>>{
           {"schema", "moerae.routing/1"},
           {"command_line", "moerae record a.ini"},
           {"config", R"({"run":{"seed":3}})"},
           {"model_id", "m"},
           {"weights_hash", ""},
           {"grid", "2x2"},
           {"slurm_job", "4711"},
           {"version", std::string(build_info::version)},
           {"git_commit", std::string(build_info::git_commit)},
           {"created_utc", provenance.created_utc}}) {
    EXPECT_EQ(in.string_attribute("/", name), value) << name;
  }
  for (auto const& [name, value] :
       std::initializer_list<std::pair<char const*, int>>{{"schema_version", 1},
                                                          {"seed", 3},
                                                          {"shard", 2},
                                                          {"shards", 5},
                                                          {"rank", 1},
                                                          {"ranks", 4},
                                                          {"prompt_equivalent", 1},
                                                          {"git_dirty", build_info::git_dirty ? 1 : 0},
                                                          {"complete", 1}}) {
    EXPECT_EQ(in.int_attribute("/", name), value) << name;
  }
  EXPECT_EQ(to_json(provenance)["config"]["run"]["seed"], 3);
  provenance.shard.reset();
  EXPECT_FALSE(to_json(provenance).contains("shard"));
}

TEST(Provenance, TimeIsUtcInIsoForm) {
  EXPECT_THAT(utc_now(),
              testing::MatchesRegex("20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z"));
}

}  // namespace
}  // namespace moerae::store
