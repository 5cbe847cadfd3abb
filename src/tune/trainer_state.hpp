#pragma once

#include <map>
#include <string>
#include <vector>

#include "moerae/tune/trainer.hpp"
#include "tune/adamw.hpp"
#include "tune/batches.hpp"
#include "tune/losses.hpp"
#include "tune/trained_experts.hpp"

namespace moerae {

struct Trainer::State {
  explicit State(TuneSetting const& of)
      : setting(of),
        batches(plan_batches(of.examples, of.options, of.seed)),
        trained(of.model.plan, of.weights, of.chosen, of.options, of.seed),
        adamw(trained.values(), of.options.weight_decay) {}

  /// Of the next step, summed over all ranks, into `trained`; returns the sums of the terms. Collective.
  Terms gradient(Terms const& factor);
  /// Of the gradients of all experts together. Collective over the expert group.
  [[nodiscard]] double norm() const;

  TuneSetting setting;
  std::vector<Indices> batches;  // [steps]
  TrainedExperts trained;
  AdamW adamw;
  std::int64_t steps = 0;
  std::map<std::string, std::vector<double>> history;
};

}  // namespace moerae
