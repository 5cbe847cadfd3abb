#include "moerae/store/stage_dir.hpp"

#include <gmock/gmock.h>

#include "moerae/base/check.hpp"
#include "store/scratch.hpp"

namespace moerae::store {
namespace {

using Json = nlohmann::ordered_json;
using test::message_of;
using test::put;
using test::Scratch;
using testing::HasSubstr;

TEST(StageDir, HashDoesNotDependOnTheOrderOfKeys) {
  Json const a = {{"b", {1, 2}}, {"a", {{"y", "é"}, {"x", 0.5}}}};
  Json const b = {{"a", {{"x", 0.5}, {"y", "é"}}}, {"b", {1, 2}}};
  EXPECT_EQ(canonical_dump(a), R"({"a": {"x": 0.5, "y": "\u00e9"}, "b": [1, 2]})");
  EXPECT_EQ(inputs_hash(a), inputs_hash(b));
  EXPECT_NE(inputs_hash(a), inputs_hash({{"a", 1}}));
  EXPECT_EQ(inputs_hash(a).size(), 16U);
}

TEST(StageDir, ChangedInputsGoBesideTheOldOnes) {
  Scratch const run;
  Json const one = {{"seed", 1}};
  Json const two = {{"seed", 2}};
  auto first = find_stage(run.path(), "record", one);
  EXPECT_FALSE(first.exists);
  EXPECT_EQ(first.path, run / "record");
  EXPECT_FALSE(std::filesystem::exists(first.path));  // finding writes nothing
  create_stage(first);
  auto second = find_stage(run.path(), "record", two);
  EXPECT_FALSE(second.exists);
  EXPECT_EQ(second.path, run / ("record-" + inputs_hash(two).substr(0, 8)));
  second.extra = {{"traces", {1}}};
  create_stage(second);
  for (auto const& [inputs, path] : {std::pair{one, first.path}, {two, second.path}}) {
    auto const found = find_stage(run.path(), "record", inputs);
    EXPECT_TRUE(found.exists);
    EXPECT_EQ(found.path, path);
    EXPECT_EQ(found.inputs, inputs);
    EXPECT_EQ(found.hash, inputs_hash(inputs));
  }
  EXPECT_EQ(find_stage(run.path(), "record", two).extra, second.extra);
  EXPECT_EQ(find_stage(run.path(), "reduce", one).path, run / "reduce");
  auto const json = Json::parse(test::slurp(first.path / "stage.json"));
  EXPECT_EQ(
      json,
      (Json{{"schema", "moerae.stage/1"}, {"stage", "record"}, {"hash", inputs_hash(one)}, {"inputs", one}}));
}

TEST(StageDir, AFolderOfSomebodyElseIsNotTaken) {
  Scratch const run;
  put(run / "record/notes.txt", "mine");
  put(run / "reduce/.stage.json.12.tmp", "");
  EXPECT_EQ(find_stage(run.path(), "record", {{"a", 1}}).path.filename(),
            "record-" + inputs_hash({{"a", 1}}).substr(0, 8));
  EXPECT_EQ(find_stage(run.path(), "reduce", {{"a", 1}}).path, run / "reduce");
}

TEST(StageDir, ListsTheStagesOfARun) {
  Scratch const run;
  EXPECT_TRUE(list_stages(run / "none").empty());
  for (int seed = 0; seed < 2; ++seed) {
    for (auto const* const name : {"record", "reduce"}) {
      auto stage = find_stage(run.path(), name, {{"seed", seed}});
      create_stage(stage);
    }
  }
  put(run / "log/rank-0000.log", "");
  EXPECT_EQ(list_stages(run.path()).size(), 4U);
  auto const records = list_stages(run.path(), "record");
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].path, run / "record");
  EXPECT_EQ(records[1].inputs["seed"], 1);
}

TEST(StageDir, DamageIsNamed) {
  for (auto const* const text :
       {"", "{", "[]", R"({"schema":"moerae.stage/9","stage":"record","hash":"0","inputs":{}})",
        R"({"schema":"moerae.stage/1","stage":"record","hash":"0","inputs":3})",
        R"({"schema":"moerae.stage/1","stage":"record","inputs":{}})"}) {
    Scratch const run;
    put(run / "record/stage.json", text);
    EXPECT_THAT(message_of<DataError>([&] {
                  (void)find_stage(run.path(), "record", {{"a", 1}});
                }),
                HasSubstr("record/stage.json"));
    EXPECT_THROW((void)list_stages(run.path()), DataError);
  }
}

}  // namespace
}  // namespace moerae::store
