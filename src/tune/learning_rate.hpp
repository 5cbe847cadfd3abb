#pragma once

#include <cstdint>

#include "moerae/tune/options.hpp"

namespace moerae {

/// Of step 0 .. steps-1, as the schedules of transformers: rises as step / warmup_steps, and falls behind
/// that as options.decay says, to zero at `steps`.
[[nodiscard]] double learning_rate(TuneOptions const& options, std::int64_t step);

}  // namespace moerae
