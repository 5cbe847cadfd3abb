#pragma once

#include "moerae/base/words.hpp"

namespace moerae {

/// Which tokens an edit acts on: those before the reply, those of the reply (its own tokens as inputs, so
/// that its first one is still chosen unedited), all.
enum class Phase { prompt, response, both };
inline constexpr Words<Phase, 3> phase_words{
    {{"prompt", Phase::prompt}, {"response", Phase::response}, {"both", Phase::both}}};

}  // namespace moerae
