#include "tune/losses.hpp"

#include <ATen/ops/log_softmax.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "moerae/model/vocabulary_logits.hpp"

namespace moerae {
namespace {

// Rows whose logits exist at once: 64 MiB of float32.
std::int64_t block_of(ModelPlan const& plan) {
  return std::max<std::int64_t>(1, (std::int64_t{1} << 24) / plan.vocabulary);
}

template <class F>
void in_blocks(std::int64_t rows, std::int64_t block, F const& call) {
  for (std::int64_t first = 0; first < rows; first += block) call(first, std::min(block, rows - first));
}

}  // namespace

torch::Tensor reply_gradient(torch::Tensor const& hidden, torch::Tensor const& base, PassRows const& rows,
                             CommonWeights const& weights, ModelPlan const& plan, Terms const& factor,
                             Terms& sums) {
  torch::AutoGradMode const graphs(true);
  auto const gradient = torch::zeros_like(hidden);
  auto const log_p = [&](torch::Tensor const& h) {
    return at::log_softmax(vocabulary_logits(h, weights, plan), -1, torch::kFloat32);  // [n, V]
  };
  // `sum_of`: the term of a block from its log p
  auto const add = [&](Term term, torch::Tensor const& which, auto const& sum_of) {
    in_blocks(which.size(0), block_of(plan), [&](std::int64_t first, std::int64_t n) {
      auto const at = which.narrow(0, first, n);
      auto const h = hidden.index_select(0, at).detach().requires_grad_(true);
      auto const sum = sum_of(log_p(h), first, n);
      sums[term] += sum.template item<double>();
      gradient.index_add_(0, at, torch::autograd::grad({sum * factor[term]}, {h})[0]);
    });
  };
  add(Term::learn, rows.learned, [&](torch::Tensor const& log_q, std::int64_t first, std::int64_t n) {
    return -log_q.gather(-1, rows.next.narrow(0, first, n).unsqueeze(-1)).sum();
  });
  if (factor[Term::retain] == 0) return gradient;
  add(Term::retain, rows.retained, [&](torch::Tensor const& log_q, std::int64_t first, std::int64_t n) {
    auto const of_base = log_p(base.narrow(0, first, n)).detach();
    return (of_base.exp() * (of_base - log_q)).sum();
  });
  return gradient;
}

torch::Tensor routing_gradient(torch::Tensor const& z, torch::Tensor const& z_base, double tau, double factor,
                               double& sum) {
  auto const log_q = at::log_softmax(z.to(torch::kFloat32) / tau, -1),
             log_p = at::log_softmax(z_base.to(torch::kFloat32) / tau, -1);
  sum += (log_p.exp() * (log_p - log_q)).sum().item<double>();
  return (log_q.exp() - log_p.exp()) * (factor / tau);
}

}  // namespace moerae
