#include "tune/learning_rate.hpp"

#include <cmath>
#include <numbers>

namespace moerae {

double learning_rate(TuneOptions const& options, std::int64_t step) {
  auto const full = options.learning_rate;
  if (step < options.warmup_steps)
    return full * static_cast<double>(step) / static_cast<double>(options.warmup_steps);
  if (options.decay == Decay::constant) return full;
  auto const behind = static_cast<double>(step - options.warmup_steps) /
                      static_cast<double>(options.steps - options.warmup_steps);
  if (options.decay == Decay::linear) return full * (1 - behind);
  return full * 0.5 * (1 + std::cos(std::numbers::pi * behind));
}

}  // namespace moerae
