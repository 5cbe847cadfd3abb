// What is said of an edit when it is made, against what the router does under it.

#include <gmock/gmock.h>
#include <torch/types.h>

#include "model/router_rules.hpp"

namespace moerae {
namespace {

using test::experts_table;

std::string text_of(std::vector<EditFault> const& faults) {
  std::string out;
  for (auto const& fault : faults) out += std::to_string(fault.condition) + ": " + fault.text + "\n";
  return out;
}

class EditFaults : public testing::TestWithParam<test::Rule> {};

// Every mask of 8 experts: where nothing is said no token ever selects a masked expert or one outside its
// groups, where something is said some token would.
TEST_P(EditFaults, OfMasksAreExactlyThoseThatATokenCanMeet) {
  torch::manual_seed(3);
  auto const& spec = GetParam().spec;
  constexpr std::int64_t tokens = 400;
  auto const logits = torch::randn({tokens, spec.experts}) * 2, bias = torch::zeros({spec.experts});
  for (std::int64_t mask = 0; mask < 256; ++mask) {
    std::vector<std::int64_t> chosen;
    for (std::int64_t e = 0; e < 8; ++e)
      if ((mask >> e) & 1) chosen.push_back(e);
    RouterEdit const edit{.masked = experts_table({chosen}, 8)};
    auto const picked = decide(logits, bias, spec, edit).experts;
    auto const group = picked.div(spec.experts / spec.groups, "floor");  // ascending, as the ids
    bool const met = edit.masked[0].index_select(0, picked.reshape(-1)).any().item<bool>() ||
                     ((group.diff(1, -1) != 0).sum(-1) >= spec.top_groups).any().item<bool>();
    EXPECT_EQ(met, !faults_of(edit, spec).empty()) << "mask " << mask << '\n'
                                                   << text_of(faults_of(edit, spec));
  }
}

INSTANTIATE_TEST_SUITE_P(Rules, EditFaults, testing::ValuesIn(test::router_rules()),
                         [](auto const& tested) { return tested.param.name; });

TEST(EditFaults, AreNamedByCondition) {
  auto const spec = test::rule(RouterSpec::Score::softmax, RouterSpec::Weight::score, false, false, 4);
  auto const table = [](std::vector<std::int64_t> chosen) {
    return experts_table({{}, std::move(chosen)}, 8);
  };
  auto const found = [&](RouterEdit const& edit) { return text_of(faults_of(edit, spec)); };
  EXPECT_EQ(found({.masked = table({0, 2}), .raised = table({1}), .forced = table({4, 5})}), "");
  EXPECT_THAT(found({.masked = table({0, 1, 2, 3, 4, 5})}),
              testing::HasSubstr("1: 6 of 8 experts are masked"));
  EXPECT_THAT(found({.raised = table({0, 1, 2, 3})}), testing::HasSubstr("1: 4 experts are raised"));
  EXPECT_THAT(found({.forced = table({0, 1, 2, 3})}), testing::HasSubstr("1: 4 experts are forced"));
  EXPECT_THAT(found({.raised = table({0}), .lowered = table({0})}), testing::HasSubstr("raised and lowered"));
  EXPECT_THAT(found({.masked = table({0}), .raised = table({0})}), testing::HasSubstr("masked and raised"));
  EXPECT_THAT(found({.masked = table({0}), .forced = table({0})}), testing::HasSubstr("masked and forced"));
  EXPECT_THAT(found({.masked = table({}), .scale = torch::ones({3, 8})}), testing::HasSubstr("-1: a table"));
  auto const ids = [](std::vector<std::int64_t> const& row) {
    return torch::stack({torch::tensor({1, 2, 3}, torch::kInt64), torch::tensor(row, torch::kInt64)});
  };
  EXPECT_EQ(found({.replay = {ids({0, 6, 7}), torch::ones({2, 3})}}), "");
  EXPECT_EQ(found({.replay = {ids({-1, -1, -1}), {}}}), "");
  for (auto const& row : {std::vector<std::int64_t>{0, 7, 8}, {0, 2, 2}, {3, 2, 4}, {-1, 2, 4}})
    EXPECT_THAT(found({.replay = {ids(row), {}}}),
                testing::HasSubstr("-1: 1 rows of a replay, the first of them 1"));
  EXPECT_THAT(found({.replay = {ids({0, 6, 7}), torch::ones({2, 2})}}), testing::HasSubstr("not [rows, 3]"));
  auto two = spec;
  two.top_groups = 2;
  EXPECT_THAT(text_of(faults_of({.forced = table({0, 2, 4})}, two)), testing::HasSubstr("in 3 groups"));
}

}  // namespace
}  // namespace moerae
