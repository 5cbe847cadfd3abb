#include "moerae/store/expert_set.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "moerae/base/check.hpp"
#include "store/scratch.hpp"

namespace moerae::store {
namespace {

using test::message_of;
using test::Scratch;
using testing::AllOf;
using testing::HasSubstr;

ScoredExpert scored(int layer, int expert, double score) {
  return {LayerId(layer), ExpertId(expert), score};
}

ExpertSet example() {
  ExpertSet set{
      "hcdg", "hcdg", "m", {{"seed", 1}}, {scored(3, 1, 0.1 + 0.2), scored(1, 7, 0.25), scored(1, 9, 0.25)}};
  set.experts[0].frequency = 1.0;
  return set;
}

TEST(ExpertSet, SortsBestFirstWithTiesByLayerThenExpert) {
  std::vector const given = {scored(2, 0, -3), scored(1, 9, 1), scored(1, 7, 1), scored(0, 8, 1),
                             scored(5, 5, 2)};
  auto const order = [&](Side side) {
    auto experts = given;
    sort_best_first(experts, side);
    std::vector<int> ids;
    for (auto const& e : experts) ids.push_back(e.expert.value);
    return ids;
  };
  EXPECT_THAT(order(Side::positive), testing::ElementsAre(5, 8, 7, 9, 0));
  EXPECT_THAT(order(Side::negative), testing::ElementsAre(0, 8, 7, 9, 5));
  EXPECT_THAT(order(Side::both), testing::ElementsAre(0, 5, 8, 7, 9));
}

TEST(ExpertSet, ReadsBackExactly) {
  Scratch const scratch;
  auto const set = example();
  write_expert_set(scratch / "sets/hcdg.json", set);
  auto const read = read_expert_set(scratch / "sets/hcdg.json");
  EXPECT_EQ(read.name, set.name);
  EXPECT_EQ(read.criterion, set.criterion);
  EXPECT_EQ(read.model, set.model);
  EXPECT_EQ(read.provenance, set.provenance);
  EXPECT_EQ(read.experts, set.experts);
  auto const json = nlohmann::ordered_json::parse(test::slurp(scratch / "sets/hcdg.json"));
  EXPECT_EQ(json["schema"], "moerae.expert_set/1");
  EXPECT_TRUE(json["experts"][0].contains("frequency"));
  EXPECT_FALSE(json["experts"][1].contains("frequency"));
  write_expert_set(scratch / "empty.json", {"e", "ses", "m", {}, {}});
  EXPECT_TRUE(read_expert_set(scratch / "empty.json").experts.empty());
}

ExpertSet with_controls() {
  auto set = example();
  set.controls = {{"matched",
                   {{LayerId(1), ExpertId(8)}, {LayerId(3), ExpertId(0)}},
                   {{"usage regular", 1.0 / 3}, {"gate mass benign", 0}},
                   false},
                  {"dose", {{LayerId(3), ExpertId(4)}}, {{"usage regular", 1.02}}, true}};
  set.evidence = {{"significance", {{"p", {0.25, 1e-300}}, {"null", "exchangeable labels"}}},
                  {"clusters", 40}};
  return set;
}

TEST(ExpertSet, ControlsAndEvidenceReadBackExactly) {
  Scratch const scratch;
  auto const set = with_controls();
  write_expert_set(scratch / "a.json", set);
  auto const read = read_expert_set(scratch / "a.json");
  EXPECT_EQ(read.experts, set.experts);
  EXPECT_EQ(read.controls, set.controls);
  EXPECT_EQ(read.evidence, set.evidence);
  write_expert_set(scratch / "b.json", read);
  EXPECT_EQ(test::slurp(scratch / "a.json"), test::slurp(scratch / "b.json"));
  // a set without them has no such keys
  write_expert_set(scratch / "c.json", example());
  auto const plain = nlohmann::ordered_json::parse(test::slurp(scratch / "c.json"));
  EXPECT_FALSE(plain.contains("controls") || plain.contains("evidence"));
  EXPECT_TRUE(read_expert_set(scratch / "c.json").controls.empty());
}

TEST(ExpertSet, OtherSidesHaveTheirOwnOrder) {
  Scratch const scratch;
  for (auto const side : {Side::positive, Side::negative, Side::both}) {
    auto set = example();
    set.experts.push_back(scored(0, 0, -0.27));
    sort_best_first(set.experts, side);
    write_expert_set(scratch / "a.json", set);
    EXPECT_EQ(read_expert_set(scratch / "a.json").experts, set.experts);
  }
}

TEST(ExpertSet, RefusesToWriteWhatCouldNotBeRead) {
  Scratch const scratch;
  auto const refused = [&](std::vector<ScoredExpert> experts) {
    auto set = example();
    set.experts = std::move(experts);
    EXPECT_THROW(write_expert_set(scratch / "a.json", set), std::logic_error);
    EXPECT_FALSE(std::filesystem::exists(scratch / "a.json"));
  };
  refused({scored(1, 1, 2), scored(1, 1, 1)});
  refused({scored(1, 1, std::numeric_limits<double>::quiet_NaN())});
  refused({scored(-1, 1, 1)});
  refused({scored(1, 9, 1), scored(1, 7, 1)});                   // tie against the ids
  refused({scored(1, 1, 1), scored(1, 2, 3), scored(1, 3, 2)});  // no order at all
  refused({{LayerId(1), ExpertId(1), 1, 1.5}});
  for (double const number : {std::numeric_limits<double>::quiet_NaN(), HUGE_VAL}) {
    auto set = with_controls();
    set.controls[1].ratio[0].second = number;
    EXPECT_THROW(write_expert_set(scratch / "a.json", set), std::logic_error);
    set = with_controls();
    set.evidence["significance"]["p"][1] = number;
    EXPECT_THAT(message_of<std::logic_error>([&] { write_expert_set(scratch / "a.json", set); }),
                HasSubstr("evidence.significance.p.1"));
  }
}

/// A set file that is changed and must then be refused, naming the file and what is wrong.
class Refused {
 public:
  explicit Refused(ExpertSet const& set) {
    write_expert_set(scratch_ / "good.json", set);
    good_ = nlohmann::ordered_json::parse(test::slurp(scratch_ / "good.json"));
  }
  template <class Change>
  void operator()(Change&& change, char const* what) const {
    auto json = good_;
    change(json);
    test::put(scratch_ / "bad.json", json.dump());
    EXPECT_THAT(message_of<DataError>([&] { (void)read_expert_set(scratch_ / "bad.json"); }),
                AllOf(HasSubstr("bad.json"), HasSubstr(what)));
  }

 private:
  Scratch scratch_;
  nlohmann::ordered_json good_;
};

TEST(ExpertSet, RefusesControlsThatAreNone) {
  Refused const refused(with_controls());
  refused([](auto& json) { json["controls"] = 1; }, "`controls` must be a list");
  refused([](auto& json) { json["controls"][1].erase("matched"); }, "controls[1]");
  refused([](auto& json) { json["controls"][1]["kind"] = "lucky"; }, "known are matched, benign_top, dose");
  refused([](auto& json) { json["controls"][0]["experts"][0] = {1, 7}; }, "layer 1 expert 7 is in the set");
  refused([](auto& json) { json["controls"][0]["experts"][1] = {1, 8}; }, "twice");
  refused([](auto& json) { json["controls"][0]["experts"][1] = {1, 8, 2}; }, "pairs");
  refused([](auto& json) { json["controls"][0]["experts"][1][0] = -1; }, "controls[0]");
  refused([](auto& json) { json["controls"][1]["experts"].clear(); }, "no experts");
  refused([](auto& json) { json["controls"][1]["ratio"]["usage regular"] = -1; }, "controls[1]: ratio");
  refused([](auto& json) { json["controls"][1]["ratio"]["usage regular"] = nullptr; }, "controls[1]");
  refused([](auto& json) { json["evidence"] = "strong"; }, "`evidence` must be an object");
}

TEST(ExpertSet, RefusalsNameFileAndEntry) {
  Scratch const scratch;
  Refused const refused(example());
  refused([](auto& json) { json["schema"] = "moerae.expert_set/2"; }, "moerae.expert_set/2");
  refused([](auto& json) { json.erase("criterion"); }, "criterion");
  refused([](auto& json) { json["experts"] = 3; }, "experts");
  refused([](auto& json) { json["experts"][1].erase("score"); }, "experts[1]");
  refused([](auto& json) { json["experts"][1]["layer"] = -1; }, "experts[1]");
  refused([](auto& json) { json["experts"][1]["layer"] = 4294967297; }, "experts[1]");
  refused([](auto& json) { json["experts"][1]["expert"] = 1.5; }, "experts[1]");
  refused([](auto& json) { json["experts"][1]["score"] = "high"; }, "experts[1]");
  refused([](auto& json) { json["experts"][1]["expert"] = 9; }, "twice");
  refused([](auto& json) { json["experts"][0]["frequency"] = 2; }, "experts[0]");
  refused([](auto& json) { json["experts"][1]["expert"] = 10; }, "ordered");
  test::put(scratch / "bad.json", "{\"schema\"");
  EXPECT_THROW((void)read_expert_set(scratch / "bad.json"), DataError);
  EXPECT_THROW((void)read_expert_set(scratch / "none.json"), DataError);
}

}  // namespace
}  // namespace moerae::store
