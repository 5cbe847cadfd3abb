#pragma once

#include <torch/types.h>

#include <array>
#include <cstddef>
#include <string_view>

#include "moerae/model/plan.hpp"
#include "moerae/model/weights.hpp"
#include "tune/pass_rows.hpp"

namespace moerae {

/// The terms of the loss, in the order of their names in the history.
///   learn    negative log-likelihood of the replies to be learned, a mean over their tokens
///   retain   KL(base || tuned) of the next token on the replies to be kept, a mean over their tokens
///   routing  KL(softmax(z_base / tau) || softmax(z / tau)) of the router logits at the last token of every
///            prompt, a mean over prompts and the layers above the lowest trained one (SafeMoE)
enum class Term : std::size_t { learn, retain, routing };
inline constexpr std::array<std::string_view, 3> term_names = {"learn", "retain", "routing"};

/// A value for every term: sums over tokens, what they are divided by, ...
struct Terms {
  std::array<double, 3> of{};
  [[nodiscard]] double& operator[](Term term) { return of[static_cast<std::size_t>(term)]; }
  [[nodiscard]] double operator[](Term term) const { return of[static_cast<std::size_t>(term)]; }
};

/// Adds the sums of learn and retain of a pass to `sums`, and returns the gradient [T, H] of
/// factor[learn] learn + factor[retain] retain towards the hidden states behind the final norm [T, H].
/// `base` [m, H]: those of the frozen model for the rows `retained`; undefined where none are kept. Logits
/// exist for a block of rows at a time.
[[nodiscard]] torch::Tensor reply_gradient(torch::Tensor const& hidden, torch::Tensor const& base,
                                           PassRows const& rows, CommonWeights const& weights,
                                           ModelPlan const& plan, Terms const& factor, Terms& sums);

/// Adds the sum of routing of a layer to `sums` and returns its gradient towards the router logits of the
/// rows of `last`: z, z_base [M, K], tau the temperature.
[[nodiscard]] torch::Tensor routing_gradient(torch::Tensor const& z, torch::Tensor const& z_base, double tau,
                                             double factor, double& sum);

}  // namespace moerae
