#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/options/keys.hpp"
#include "app/options/print.hpp"
#include "study_files.hpp"

namespace moerae {
namespace {

using test::read_text;
using testing::HasSubstr;

// every key away from its default
char const* const everything = R"([run]
dir = /runs/a b
seed = 7
from = /runs/c
wall_limit = 0.1
[model]
path = /models/m
adapter = /models/adapter.h5
adapter_scale = -1
dtype = float32
device = cpu
[grid]
expert = 4
[corpus]
path = /data/corpus.h5
sets = a, b, c
[record]
routing = false
logits = last
precision = float16
batch_tokens = 17
shard_prompts = 3
[ses]
regular = a
jailbreak = b
benign = c
sets = b
positions = all
score = js
resample = bootstrap
samples = 33
alpha = 0.30000000000000004
scope = model
threshold = 0.75
[contrast]
criteria = js, log_odds
groups = a:b, a:b/c
positions = response
count = 5
permutations = 999
permute_within = topic
[reduce]
clusters = 50
controls = 7
memory = 100
[select.one]
criterion = hrcg
threshold = 0.8
[evaluate]
reuse = false
keep = ids
conditions = mask:one, scale=0.5:/sets/two.json@3
phase = response
sets = a, b
split = test
max_new_tokens = 9
temperature = 0.7
top_p = 0.9
controls = 3
routing = true
sequences = 5
batch_tokens = 77
shard_prompts = 11
[export]
format = peft
forbidden = a, b
before = /runs/b
after = /runs/a
[tune]
set = one@3, two
reply = refuse
control = 2
method = full
rank = 3
alpha = 5
sets = a
retain_sets = b
hold_out = w
retain = 0.3
retain_share = 0.2
routing = 0.1
routing_temperature = 0.7
learning_rate = 0.01
decay = linear
warmup_steps = 2
steps = 9
batch_tokens = 100
pass_tokens = 50
max_grad_norm = 2
weight_decay = 0.1
save_steps = 3
[attribute]
criteria = single_mask
phase = prompt
sets = b
split = validation
passes = 5
rho = 0.1
seed = 4
super_experts = true
batch_tokens = 78
shard_prompts = 12
[select.two]
criterion = risk_difference
groups = b:c
count = 9
side = both
)";

TEST(PrintStudy, ReadsBackToTheSameStudy) {
  auto const study = read_text(everything);
  auto const text = print_study(study);
  EXPECT_EQ(study_json(read_text(text)), study_json(study));
  EXPECT_EQ(print_study(read_text(text)), text);
}

TEST(PrintStudy, TheRoundTripCoversEveryKey) {
  auto const study = study_json(read_text(everything)), defaults = study_json(Study{});
  std::vector<std::string> same;
  for (auto const& [section, keys] : defaults.items())
    for (auto const& [key, value] : keys.items())
      if (study.at(section).at(key) == value) same.push_back(section + "." + key);
  // these have one accepted value in this version; the presets exclude other keys of their sections
  EXPECT_THAT(same, testing::UnorderedElementsAre("model.schedule", "grid.exchange", "ses.preset",
                                                  "evaluate.preset"));
}

TEST(PrintStudy, AResolvedPresetReadsBack) {
  auto const study = read_text("[ses]\npreset = paper\n");
  EXPECT_EQ(study_json(read_text(print_study(study))), study_json(study));
}

TEST(PrintDefaults, ReadBackToTheDefaults) {
  EXPECT_EQ(study_json(read_text(print_defaults())), study_json(Study{}));
}

TEST(PrintDefaults, HoldEveryKeyWithItsHelp) {
  auto const text = print_defaults();
  for (auto const& key : study_keys())
    EXPECT_THAT(text, HasSubstr(key.expects + ": " + key.help + "\n")) << key.name;
  for (auto const& key : select_keys()) EXPECT_THAT(text, HasSubstr("\n# " + key.name + " =")) << key.name;
}

TEST(StudyJson, IsTypedAndBySection) {
  auto const json = study_json(read_text(everything));
  EXPECT_EQ(json["run"]["seed"], 7);
  EXPECT_EQ(json["record"]["logits"], "last");
  EXPECT_EQ(json["contrast"]["groups"], nlohmann::json({"a:b", "a:b/c"}));
  EXPECT_EQ(json["select"]["two"]["count"], 9);
  EXPECT_EQ(json["select"]["two"]["p"], nullptr);
  EXPECT_EQ(json["select"]["one"]["groups"], "");  // not null: results of earlier versions are found by it
  EXPECT_EQ(study_json(Study{})["ses"]["alpha"], "auto");
}

TEST(PrintValues, OnePerLineAsTheProgramResolvesThem) {
  auto const study =
      read_text("[run]\ndir = /a/../runs/b/\n[select.one.two]\ncriterion = ses\nset = x\n", {"--run.seed=7"});
  EXPECT_EQ(print_values(study, {"run.dir", "run.seed", "run.from", "select.one.two.set", "ses.alpha"}),
            "/runs/b\n7\n\nx\nauto\n");
}

TEST(PrintValues, UnknownKeysNameTheNearest) {
  auto const refusal = [](std::string const& key) {
    try {
      return print_values(read_text("[select.one]\ncriterion = ses\nset = x\n"), {key});
    } catch (ConfigError const& error) {
      return std::string(error.what());
    }
  };
  EXPECT_EQ(refusal("run.dri"), "run.dri: unknown key; did you mean run.dir?");
  EXPECT_EQ(refusal("select.one.sett"), "select.one.sett: unknown key; did you mean select.one.set?");
  EXPECT_EQ(refusal("zzzzzzzzz"), "zzzzzzzzz: unknown key");
}

TEST(PrintKeys, ListsThoseThatAStageReads) {
  auto const text = print_keys(stage::reduce);
  EXPECT_THAT(text, HasSubstr("--run.dir"));
  EXPECT_THAT(text, HasSubstr("--select.NAME.side"));
  EXPECT_THAT(text, testing::Not(HasSubstr("--record.batch_tokens")));
}

}  // namespace
}  // namespace moerae
