// Masked experts under every router rule, against what each rule says when the expert is not there.

#include <gtest/gtest.h>
#include <torch/types.h>

#include <limits>
#include <stdexcept>

#include "moerae/model/router.hpp"

namespace moerae {
namespace {

using Score = RouterSpec::Score;
using Weight = RouterSpec::Weight;

constexpr std::int64_t experts = 8, hidden = 5, tokens = 200;

struct Rule {
  char const* name;
  RouterSpec spec;
};

RouterSpec rule(Score score, Weight weight, bool renormalise, bool bias, std::int64_t groups) {
  RouterSpec spec;
  spec.experts = experts;
  spec.top_k = weight == Weight::sparse_mixer ? 2 : 3;
  spec.score = score;
  spec.weight = weight;
  spec.renormalise = renormalise;
  spec.correction_bias = bias;
  spec.groups = groups;
  spec.top_groups = groups > 1 ? groups - 1 : 1;
  spec.group_score =
      score == Score::sigmoid ? RouterSpec::GroupScore::sum_of_two : RouterSpec::GroupScore::best;
  spec.float32_logits = groups > 1;
  spec.scale = groups > 1 ? 2.5 : 1;
  return spec;
}

class RouterMask : public testing::TestWithParam<Rule> {
 protected:
  RouterMask() {
    torch::manual_seed(7);
    own_.router.weight = torch::randn({experts, hidden});
    own_.correction_bias = torch::randn({experts}) * 0.3;
    x_ = torch::randn({tokens, hidden});
    masked_ = torch::zeros({experts}, torch::kBool);
    masked_[2] = true;
    masked_[5] = true;
  }
  MoeWeights own_;
  torch::Tensor x_, masked_;
};

TEST_P(RouterMask, MaskedExpertsAreNeverSelectedAndTheLogitsStay) {
  auto const free = route(x_, own_, GetParam().spec), bound = route(x_, own_, GetParam().spec, masked_);
  EXPECT_TRUE(
      ((free.experts == 2) | (free.experts == 5)).any().item<bool>());  // the mask has something to do
  EXPECT_FALSE(((bound.experts == 2) | (bound.experts == 5)).any().item<bool>());
  EXPECT_TRUE(torch::equal(free.logits, bound.logits));
  EXPECT_TRUE(torch::isfinite(bound.weights).all().item<bool>());
  EXPECT_TRUE((bound.experts.narrow(-1, 1, GetParam().spec.top_k - 1) >
               bound.experts.narrow(-1, 0, GetParam().spec.top_k - 1))
                  .all()
                  .item<bool>());
}

// With a softmax, or with logits as scores, a mask is the absence of the logit: a bias of minus infinity on
// it.
TEST_P(RouterMask, IsAnAbsentLogitWhereScoresAreNoSigmoid) {
  auto spec = GetParam().spec;
  if (spec.score == Score::sigmoid) GTEST_SKIP() << "for a sigmoid the two differ: see the next test";
  auto const bound = route(x_, own_, spec, masked_);
  auto absent = own_;
  absent.router.bias = torch::zeros({experts}).masked_fill(masked_, -std::numeric_limits<float>::infinity());
  auto const reference = route(x_, absent, spec);
  EXPECT_TRUE(torch::equal(bound.experts, reference.experts));
  EXPECT_TRUE(torch::allclose(bound.weights, reference.weights));
}

// With a sigmoid and a correction bias the score of the others does not change, and the bias must not bring
// the masked back.
TEST_P(RouterMask, LeavesSigmoidScoresOfTheOthersAlone) {
  auto spec = GetParam().spec;
  if (spec.score != Score::sigmoid) GTEST_SKIP() << "sigmoid routers only";
  auto eager = own_;
  eager.correction_bias = own_.correction_bias + masked_ * 100.0;
  auto const bound = route(x_, eager, spec, masked_);
  EXPECT_FALSE(((bound.experts == 2) | (bound.experts == 5)).any().item<bool>());
  auto expected = torch::sigmoid(bound.logits).gather(-1, bound.experts);
  if (spec.renormalise) expected = expected / expected.sum(-1, true);
  EXPECT_TRUE(torch::allclose(bound.weights, expected * spec.scale));
}

TEST_P(RouterMask, RefusesToLeaveTooFew) {
  auto all_but_one = torch::ones({experts}, torch::kBool);
  all_but_one[0] = false;
  EXPECT_THROW((void)route(x_, own_, GetParam().spec, all_but_one), std::logic_error);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, RouterMask,
    testing::Values(Rule{"softmax", rule(Score::softmax, Weight::score, false, false, 1)},
                    Rule{"softmax_renormalised", rule(Score::softmax, Weight::score, true, false, 1)},
                    Rule{"softmax_groups", rule(Score::softmax, Weight::score, false, false, 2)},
                    Rule{"softmax_of_chosen",
                         rule(Score::logits, Weight::softmax_of_chosen, false, false, 1)},
                    Rule{"sparse_mixer", rule(Score::logits, Weight::sparse_mixer, false, false, 1)},
                    Rule{"sigmoid_bias", rule(Score::sigmoid, Weight::score, true, true, 1)},
                    Rule{"sigmoid_bias_groups", rule(Score::sigmoid, Weight::score, true, true, 2)}),
    [](auto const& tested) { return tested.param.name; });

}  // namespace
}  // namespace moerae
