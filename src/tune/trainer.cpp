#include "moerae/tune/trainer.hpp"

#include <algorithm>
#include <cmath>

#include "moerae/base/check.hpp"
#include "moerae/model/torch_error.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/mpi/ordered_sum.hpp"
#include "tune/learning_rate.hpp"
#include "tune/step_gradient.hpp"
#include "tune/trainer_state.hpp"

namespace moerae {

Terms Trainer::State::gradient(Terms const& factor) {
  auto const passes = spread(setting.examples, batches[static_cast<std::size_t>(steps)], setting.world.size(),
                             setting.options.pass_tokens);
  trained.gradient().zero_();
  Terms sums;
  std::exception_ptr error;
  try {
    with_torch_errors([&] {
      for (auto const& pass : passes[static_cast<std::size_t>(setting.world.rank())])
        add_pass(setting, pass, factor, trained, sums);
    });
    (void)setting.group.finish_step(mpi::Status::busy);
  } catch (mpi::PeerFailure const&) {
    error = std::current_exception();
  } catch (...) {
    error = std::current_exception();
    if (!setting.group.announce_failure()) throw;  // peers wait for rows: only MPI_Abort ends them
  }
  mpi::agree(setting.world, error);
  auto const& sum = trained.gradient();
  mpi::sum_in_order(setting.grid.data,
                    std::span(sum.data_ptr<float>(), static_cast<std::size_t>(sum.numel())));
  mpi::sum_in_order(setting.world, std::span<double>(sums.of));
  return sums;
}

double Trainer::State::norm() const {
  auto square = trained.gradient().to(torch::kFloat64).square().sum().item<double>();
  mpi::sum_in_order(setting.grid.experts, std::span<double>(&square, 1));
  return std::sqrt(square);
}

Trainer::Trainer(TuneSetting setting) : state_(std::make_unique<State>(setting)) {}
Trainer::~Trainer() = default;

std::int64_t Trainer::steps() const {
  return state_->steps;
}

std::map<std::string, std::vector<double>> const& Trainer::history() const {
  return state_->history;
}

void Trainer::step() {
  auto& s = *state_;
  auto const& options = s.setting.options;
  auto const& batch = s.batches[static_cast<std::size_t>(s.steps)];
  auto const factor = factors(s.setting, batch);
  auto const sums = s.gradient(factor);
  auto const norm = s.norm();
  Terms term;  // weighted, as they enter the loss
  double loss = 0, tokens = 0;
  for (std::size_t t = 0; t < term.of.size(); ++t) loss += term.of[t] = sums.of[t] * factor.of[t];
  for (auto const i : batch) tokens += static_cast<double>(s.setting.examples[i].tokens());
  mpi::agree(s.setting.world, [&] {
    validate<Error>(
        std::isfinite(loss) && std::isfinite(norm),
        "tune: step {}: the loss is {} and the norm of the gradient {}; the training diverged, and the last "
        "checkpoint is kept: take a smaller tune.learning_rate, or more tune.warmup_steps",
        s.steps + 1, loss, norm);
  });
  auto const rate = learning_rate(options, s.steps);
  // as clip_grad_norm_ of torch
  auto const scale = std::min(1.0, options.max_grad_norm / (norm + 1e-6));
  s.adamw.step(s.trained.gradient() * scale, rate);
  s.trained.show();
  auto const note = [&](std::string const& name, double value) { s.history[name].push_back(value); };
  note("loss", loss);
  for (std::size_t t = 0; t < term.of.size(); ++t) note(std::string(term_names[t]), term.of[t]);
  note("learning_rate", rate);
  note("grad_norm", norm);
  note("tokens", tokens);
  ++s.steps;
}

}  // namespace moerae
