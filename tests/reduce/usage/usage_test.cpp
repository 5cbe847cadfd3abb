// Usage per cluster from made shards, against sums made from the routing by another road.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>

#include "moerae/base/check.hpp"
#include "moerae/store/publish.hpp"
#include "reduce/made_run.hpp"
#include "reduce/usage/usage_stream.hpp"
#include "store/scratch.hpp"

namespace moerae {
namespace {

namespace fs = std::filesystem;
using test::message_of;
using test::message_of_code;
using test::Scratch;
using testing::HasSubstr;

UsageTile load(fs::path const& run, std::string const& positions,
               std::vector<std::string> const& sets = {"a"}) {
  auto const source = find_record(run, {});
  auto const corpus = recorded_corpus(source);
  UsageTile whole;
  auto const record = check_record({}, source, corpus);
  UsageStream(mpi::Comm{}, record, {.usage = {sets, parse_positions("contrast.positions", positions)}})
      .each([&](UsageTile const& tile) { whole = tile; });
  return whole;
}

bool counts_at(std::string const& positions, test::MadePrompt const& p, int t) {
  bool const response = t >= p.content + 2, prompt = t >= 1 && t <= p.content;
  if (positions == "last") return t == p.content + 1;  // the template token before the response
  return positions == "all" || (prompt && positions != "response") || (response && positions != "prompt");
}

class EveryPosition : public testing::TestWithParam<std::string> {};

TEST_P(EveryPosition, SumsPerClusterOfTheDiscoverySplit) {
  Scratch const scratch;
  auto const prompts = test::made_prompts(7);
  test::write_made_run(scratch / "run", prompts);
  auto const table = load(scratch / "run", GetParam()).tables.at(0);

  std::map<std::int64_t, std::int64_t> tokens;
  std::map<std::int64_t, std::map<std::size_t, std::int64_t>> count;
  std::map<std::int64_t, std::map<std::size_t, double>> mass;
  std::int64_t number = 0;
  for (auto const& p : prompts) {
    if (p.set != "a" || p.split != 0) continue;
    ++number;
    for (int t = 0; t < p.length(); ++t) {
      if (!counts_at(GetParam(), p, t)) continue;
      ++tokens[p.cluster];
      for (std::size_t l = 0; l < 2; ++l)
        for (std::size_t i = 0; i < 2; ++i) {
          auto const e = l * 8 + static_cast<std::size_t>(test::made_experts(p, l, t)[i]);
          ++count[p.cluster][e];
          mass[p.cluster][e] += static_cast<double>(test::made_weight(i));
        }
    }
  }
  ASSERT_EQ(table.clusters.size(), 6U);  // the fifth is of the validation split
  EXPECT_EQ(table.prompts, number);
  std::size_t c = 0;
  for (auto const& [id, due] : tokens) {  // ascending
    EXPECT_EQ(table.clusters[c], id);
    EXPECT_EQ(table.tokens[c], due);
    for (std::size_t e = 0; e < 16; ++e) {
      EXPECT_EQ(table.count[c * 16 + e], count[id][e]);
      EXPECT_EQ(std::ldexp(static_cast<double>(table.mass[c * 16 + e]), -32), mass[id][e]);
    }
    ++c;
  }
}

INSTANTIATE_TEST_SUITE_P(Positions, EveryPosition,
                         testing::Values("content", "prompt", "response", "all", "last"),
                         [](auto const& p) { return p.param; });

TEST(Usage, LastReadsHalfPrecision) {
  Scratch const scratch;
  test::write_made_run(scratch / "a", test::made_prompts(4));
  test::write_made_run(scratch / "b", test::made_prompts(4), {.half = true});
  EXPECT_EQ(load(scratch / "a", "last").tables[0].mass, load(scratch / "b", "last").tables[0].mass);
}

TEST(Usage, LastNeedsRouting) {
  Scratch const scratch;
  test::write_made_run(scratch / "run", test::made_prompts(4), {.routing = false});
  EXPECT_NO_THROW((void)load(scratch / "run", "content"));
  EXPECT_THAT(message_of_code(ExitCode::bad_configuration, [&] { (void)load(scratch / "run", "last"); }),
              testing::AllOf(HasSubstr("contrast.positions = last"), HasSubstr("record.routing = ")));
}

TEST(Usage, SetsWithoutPromptsOrTokensAreRefused) {
  Scratch const scratch;
  auto prompts = test::made_prompts(4);
  for (auto& p : prompts) {
    if (p.set == "b") p.response = 0;
  }
  prompts.push_back({999, "late", 5, 2, 1, 0});  // test split only
  prompts.push_back({998, "later", 6, 2, 1, 0});
  test::write_made_run(scratch / "run", prompts);
  auto const none = message_of_code(ExitCode::bad_configuration, [&] {
    (void)load(scratch / "run", "content", {"late", "a", "later"});
  });
  EXPECT_THAT(none, HasSubstr("set late: has no prompt in the discovery split"));
  EXPECT_THAT(none, HasSubstr("set later"));
  EXPECT_THAT(
      message_of_code(ExitCode::bad_configuration, [&] { (void)load(scratch / "run", "response", {"b"}); }),
      HasSubstr("set b: none of its 4 prompts has a token at contrast.positions = response"));
}

struct Damage {
  char const* name;
  void (*make)(fs::path const& run);
  std::vector<std::string> words;
};

void flip(fs::path const& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  auto const at = static_cast<std::streamoff>(fs::file_size(path) / 2);
  file.seekg(at);
  auto const byte = static_cast<char>(file.get() ^ 1);
  file.seekp(at);
  file.put(byte);
}

void list(fs::path const& run, std::string const& name) {
  store::Manifest::read(run).append(store::make_entry(run, run / "record" / name, "record"));
}

void drop_line(fs::path const& run, std::string const& name) {
  std::string kept;
  std::istringstream lines(store::read_text(run / "manifest.jsonl"));
  for (std::string line; std::getline(lines, line);)
    if (line.find(name) == std::string::npos) kept += line + "\n";
  store::write_text(run / "manifest.jsonl", kept);
}

std::string hash_of(fs::path const& run) {
  return store::list_stages(run, "record").at(0).hash;
}

Damage const damages[] = {
    {"bit",
     [](fs::path const& run) { flip(run / "record/shard-000002.h5"); },
     {"shard-000002.h5", "differs from its entry", "repeat `moerae record`"}},
    {"truncated",
     [](fs::path const& run) { fs::resize_file(run / "record/shard-000001.h5", 3000); },
     {"shard-000001.h5", "differs from its entry"}},
    {"deleted",
     [](fs::path const& run) { fs::remove(run / "record/shard-000001.h5"); },
     {"shard-000001.h5", "not there", "repeat `moerae record`"}},
    {"unlisted",
     [](fs::path const& run) { fs::copy(run / "record/shard-000001.h5", run / "record/shard-000077.h5"); },
     {"shard-000077.h5", "not in the manifest"}},
    {"duplicate",
     [](fs::path const& run) {
       fs::copy(run / "record/shard-000001.h5", run / "record/shard-000077.h5");
       list(run, "shard-000077.h5");
     },
     {"prompt 104 stands 2 times", "shard-000001.h5", "shard-000077.h5"}},
    {"missing",
     [](fs::path const& run) {
       drop_line(run, "shard-000001.h5");
       fs::remove(run / "record/shard-000001.h5");
     },
     {"4 of 28 prompts are missing", "104, 105, 106, 107", "repeat `moerae record`"}},
    {"mixed",
     [](fs::path const& run) {
       fs::remove(run / "record/shard-000001.h5");
       auto const prompts = test::made_prompts(7);
       test::write_made_shard(run / "record/shard-000001.h5", {prompts.begin() + 4, prompts.begin() + 8},
                              "0123456789abcdef");
       list(run, "shard-000001.h5");
     },
     {"shard-000001.h5", "0123456789abcdef", "mixed"}},
    {"stranger",
     [](fs::path const& run) {
       test::write_made_shard(run / "record/shard-000077.h5", {{7777, "a", 1, 0, 1, 1}}, hash_of(run));
       list(run, "shard-000077.h5");
     },
     {"shard-000077.h5", "prompt 7777", "does not have"}},
    {"longer",
     [](fs::path const& run) {
       auto prompts = test::made_prompts(7);
       prompts[5].content += 1;
       fs::remove(run / "record/shard-000001.h5");
       test::write_made_shard(run / "record/shard-000001.h5", {prompts.begin() + 4, prompts.begin() + 8},
                              hash_of(run));
       list(run, "shard-000001.h5");
     },
     {"shard-000001.h5", "prompt 105", "class prompt", "another corpus"}},
    {"corpus",
     [](fs::path const& run) {
       Scratch const other;
       test::write_made_run(other / "run", test::made_prompts(6));
       fs::copy_file(other / "run/corpus.h5", run / "corpus.h5", fs::copy_options::overwrite_existing);
     },
     {"corpus.h5", "not the corpus listed"}},
};

class EveryDamage : public testing::TestWithParam<Damage> {};

TEST_P(EveryDamage, IsNamed) {
  Scratch const scratch;
  auto const run = scratch / "run";
  test::write_made_run(run, test::made_prompts(7));
  EXPECT_NO_THROW((void)load(run, "content"));
  GetParam().make(run);
  // b is not touched by some of them: a record is whole or it is not used
  auto const message = message_of_code(ExitCode::bad_data, [&] { (void)load(run, "content", {"a", "b"}); });
  for (auto const& word : GetParam().words) EXPECT_THAT(message, HasSubstr(word));
}

INSTANTIATE_TEST_SUITE_P(Usage, EveryDamage, testing::ValuesIn(damages),
                         [](auto const& d) { return d.param.name; });

TEST(Record, IsFoundOrAskedFor) {
  Scratch const scratch;
  auto const run = scratch / "run";
  EXPECT_THAT(message_of<ConfigError>([&] { (void)find_record(run, {}); }), HasSubstr("no such run"));
  fs::create_directories(run);
  EXPECT_THAT(message_of<ConfigError>([&] { (void)find_record(run, {}); }), HasSubstr("no record"));
  test::write_made_run(run, test::made_prompts(4));
  EXPECT_EQ(find_record(run, {}).name(), "record");
  store::StageDir second = store::find_stage(run, "record", {{"made", "again"}});
  store::create_stage(second);
  EXPECT_THAT(message_of<ConfigError>([&] { (void)find_record(run, {}); }), HasSubstr("several records"));
  EXPECT_EQ(find_record(run, "record").shards.size(), 4U);
  EXPECT_THAT(message_of<DataError>([&] { (void)find_record(run, second.path); }),
              HasSubstr("no finished shard"));
  EXPECT_THAT(message_of<ConfigError>([&] { (void)find_record(run, "record-x"); }),
              HasSubstr("has no record record-x"));
}

}  // namespace
}  // namespace moerae
