#include "tune/learning_rate.hpp"

#include <gtest/gtest.h>

namespace moerae {
namespace {

// get_cosine_schedule_with_warmup and get_linear_schedule_with_warmup of transformers, 4 of 10 steps of
// warm-up
TEST(LearningRateTest, IsThatOfTransformers) {
  TuneOptions options;
  options.learning_rate = 1;
  options.warmup_steps = 4;
  options.steps = 10;
  double const cosine[] = {0, .25, .5, .75, 1, .9330127018922194, .75, .5, .25, .06698729810778065};
  double const linear[] = {0, .25, .5, .75, 1, 5. / 6, 4. / 6, 3. / 6, 2. / 6, 1. / 6};
  for (std::int64_t step = 0; step < 10; ++step) {
    options.decay = Decay::cosine;
    EXPECT_NEAR(learning_rate(options, step), cosine[step], 1e-12) << step;
    options.decay = Decay::linear;
    EXPECT_NEAR(learning_rate(options, step), linear[step], 1e-12) << step;
    options.decay = Decay::constant;
    EXPECT_NEAR(learning_rate(options, step), step < 4 ? linear[step] : 1, 1e-12) << step;
  }
}

}  // namespace
}  // namespace moerae
