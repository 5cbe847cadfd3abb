#include "app/options/inputs.hpp"

#include <gmock/gmock.h>

#include "app/options/keys.hpp"
#include "moerae/keys/values.hpp"
#include "moerae/store/stage_dir.hpp"

namespace moerae {
namespace {

using Json = nlohmann::ordered_json;
using testing::ElementsAre;

Json const found{{"model", "weights"},
                 {"corpus", "prompts"},
                 {"adapter", nullptr},
                 {"experts", Json::array()}};  // behind the paths

std::string hash_of(Stages stage, Study const& study, int method = 1) {
  return store::inputs_hash(inputs_of(stage, study, method, found));
}

// Some value that the key takes and that is not its default.
template <class Target>
Target changed(Key<Target> const& key) {
  for (auto const* text :
       {"7",         "8",           "0.75", "true",  "false",  "one",  "a:b",      "float32",   "response",
        "bootstrap", "layer",       "js",   "paper", "none",   "last", "negative", "esft_gate", "mask:a",
        "test",      "single_mask", "0.25", "full",  "linear", "ids",  "delta",    "comply"}) {
    Target target;
    auto const before = key.json(target);
    try {
      key.parse(target, text, "/folder");
    } catch (kind::BadValue const&) {
      continue;
    }
    if (key.json(target) != before) return target;
  }
  ADD_FAILURE() << key.name << ": no other value is known to this test";
  return {};
}

TEST(Inputs, AKeyDecidesExactlyTheStagesThatItsRowNames) {
  for (auto const& key : study_keys()) {
    if (*key.use.input != '\0') continue;
    if (key.name == "model.device" || key.name == "model.schedule" || key.name == "grid.exchange")
      continue;  // one value each that means another
    auto const study = changed(key);
    for (auto const stage : {stage::record, stage::attribute, stage::reduce, stage::evaluate, stage::tune})
      EXPECT_EQ(hash_of(stage, study) != hash_of(stage, {}), (key.use.bits & stage) != 0)
          << key.name << " and stage " << stage;
  }
  Study selecting;
  selecting.select.push_back({.name = "n"});
  for (auto const& key : select_keys()) {
    auto study = selecting;
    study.select.front() = changed(key);
    study.select.front().name = "n";
    EXPECT_NE(hash_of(stage::reduce, study), hash_of(stage::reduce, selecting)) << key.name;
    EXPECT_EQ(hash_of(stage::record, study), hash_of(stage::record, selecting)) << key.name;
  }
}

// A new key without bits is named here, with the reason, or its row is wrong.
TEST(Inputs, KeysThatDecideNoBitsAreFew) {
  std::vector<std::string> without;
  for (auto const& key : study_keys()) {
    EXPECT_NE(key.use.reads, stage::none) << key.name;
    EXPECT_EQ(key.use.required & ~key.use.reads, stage::none) << key.name;
    if (key.use.bits == stage::none) without.push_back(key.name);
  }
  EXPECT_THAT(without, ElementsAre("run.dir", "run.from",             // where results lie
                                   "run.wall_limit",                  // when the work is interrupted
                                   "model.adapter_scale",             // part of the input `adapter`
                                   "model.device", "model.schedule",  // one value each in this version
                                   "reduce.memory",                   // the size of the parts
                                   "evaluate.conditions",             // which replies there are
                                   "evaluate.preset",  // the conditions and the phase that it sets do
                                   "evaluate.controls",
                                   "evaluate.keep",    // what stays of replies once they are judged
                                   "tune.control",     // the input `experts` says which
                                   "tune.save_steps",  // when checkpoints are written
                                   "export.format",    // what is made of an adapter
                                   "export.before", "export.after",  // where replies are looked at
                                   "export.forbidden"));
}

TEST(Inputs, WhatIsResolvedStandsForWhatWasGiven) {
  Study study;
  auto resolved = found;
  resolved["model.dtype"] = "float32";
  auto const inputs = inputs_of(stage::record, study, 1, resolved);
  EXPECT_EQ(inputs.at("model.dtype"), "float32");
  EXPECT_EQ(inputs.at("model"), "weights");
  EXPECT_FALSE(inputs.contains("model.path"));
  EXPECT_THROW((void)inputs_of(stage::record, study, 1, Json::object()), std::logic_error);
}

TEST(Inputs, AnotherMethodIsAnotherStage) {
  EXPECT_NE(hash_of(stage::record, {}, 2), hash_of(stage::record, {}, 3));
  EXPECT_NE(hash_of(stage::reduce, {}, 2), hash_of(stage::reduce, {}, 1));
  EXPECT_FALSE(inputs_of(stage::record, {}, 1, found).contains("method"));  // as before there were numbers
}

TEST(Inputs, ARecordCanBeOfAStudyThatLeavesOpenWhatItDecided) {
  Study study;
  auto resolved = found;
  resolved["model.dtype"] = "bfloat16";
  resolved["record.precision"] = "float16";
  auto const theirs = inputs_of(stage::record, study, 1, resolved);
  EXPECT_TRUE(can_be_of(theirs, stage::record, study, 1));
  EXPECT_FALSE(can_be_of(theirs, stage::record, study, 2));
  study.model.dtype = "float32";
  EXPECT_FALSE(can_be_of(theirs, stage::record, study, 1));
  study = {};
  study.record.batch_tokens = 7;
  EXPECT_FALSE(can_be_of(theirs, stage::record, study, 1));
}

}  // namespace
}  // namespace moerae
