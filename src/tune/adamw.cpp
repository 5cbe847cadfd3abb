#include "tune/adamw.hpp"

#include <torch/optim/adamw.h>

namespace moerae {

using State = torch::optim::AdamWParamState;
using Options = torch::optim::AdamWOptions;

AdamW::AdamW(torch::Tensor values, double weight_decay)
    : values_(std::move(values)),
      optimiser_(
          std::make_unique<torch::optim::AdamW>(std::vector{values_}, Options().weight_decay(weight_decay))) {
  restore(torch::zeros_like(values_), torch::zeros_like(values_), 0);
}

AdamW::~AdamW() = default;

void AdamW::step(torch::Tensor const& gradient, double learning_rate) {
  static_cast<Options&>(optimiser_->param_groups()[0].options()).lr(learning_rate);
  values_.mutable_grad() = gradient;
  optimiser_->step();
  values_.mutable_grad() = torch::Tensor();
}

void AdamW::restore(torch::Tensor const& first, torch::Tensor const& second, std::int64_t steps) {
  first_ = first;
  second_ = second;
  auto state = std::make_unique<State>();
  state->step(steps);
  state->exp_avg(first_);
  state->exp_avg_sq(second_);
  optimiser_->state()[values_.unsafeGetTensorImpl()] = std::move(state);
}

}  // namespace moerae
