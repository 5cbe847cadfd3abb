#pragma once

#include <torch/types.h>

#include <memory>

namespace torch::optim {
class AdamW;
}

namespace moerae {

/// AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) of libtorch with betas .9 and .999 and eps 1e-8 on
/// one vector, whose state can be kept.
class AdamW {
 public:
  /// `values` [N] float32 are changed in place.
  AdamW(torch::Tensor values, double weight_decay);
  ~AdamW();
  AdamW(AdamW const&) = delete;
  AdamW& operator=(AdamW const&) = delete;

  void step(torch::Tensor const& gradient, double learning_rate);
  /// The running means of the gradient and of its square [N].
  [[nodiscard]] torch::Tensor first() const { return first_; }
  [[nodiscard]] torch::Tensor second() const { return second_; }
  void restore(torch::Tensor const& first, torch::Tensor const& second, std::int64_t steps);

 private:
  torch::Tensor values_, first_, second_;
  std::unique_ptr<torch::optim::AdamW> optimiser_;
};

}  // namespace moerae
