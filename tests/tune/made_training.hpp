#pragma once

#include <memory>
#include <vector>

#include "moerae/model/exchange.hpp"
#include "moerae/tune/trainer.hpp"
#include "tune/made_replies.hpp"

namespace moerae::test {

inline TuneOptions made_options(Trained method) {
  TuneOptions options;
  options.method = method;
  options.rank = 2;
  options.alpha = 4;
  options.retain_sets = {"keep"};
  options.retain = 0.7;
  options.routing = 0.5;
  options.routing_temperature = 1;
  options.learning_rate = method == Trained::lora ? 0.1 : 0.03;
  options.steps = 6;
  options.batch_tokens = 100;
  options.pass_tokens = 16;
  return options;
}

/// A training of four experts of three layers on the tiny model, on a grid over `world`.
struct Training {
  Training(mpi::Comm const& of, int width, TuneOptions const& with)
      : world(of),
        options(with),
        grid(mpi::Grid::over(of, width)),
        weights(made_weights(plan, grid.member, width)),
        group(grid.experts, 7),
        examples(find_examples(corpus, options).all),
        trainer({world,
                 grid,
                 group.status,
                 {plan, weights, group.exchange},
                 weights,
                 corpus,
                 examples,
                 chosen,
                 options,
                 5}) {}

  mpi::Comm const& world;
  TuneOptions options;
  Corpus corpus = made_replies(14);
  ModelPlan plan = made_plan();
  std::vector<store::ExpertKey> chosen{{LayerId(1), ExpertId(2)},
                                       {LayerId(1), ExpertId(5)},
                                       {LayerId(2), ExpertId(0)},
                                       {LayerId(3), ExpertId(6)}};
  mpi::Grid grid;
  ModelWeights weights;
  ExpertGroup group;
  std::vector<Example> examples;
  Trainer trainer;
};

/// Widths of expert groups that so many ranks can form.
inline std::vector<int> widths(int ranks) {
  std::vector<int> out;
  for (int width = 1; width <= ranks; ++width)
    if (ranks % width == 0) out.push_back(width);
  return out;
}

}  // namespace moerae::test
