#pragma once

#include <cstdint>
#include <string>

#include "moerae/base/words.hpp"

namespace moerae {

/// Whose router logits are kept: nobody's, those of the last token before the reply of every prompt (where
/// its decision is usually looked for), those of all tokens (large).
enum class Logits { none, last, all };
inline constexpr Words<Logits, 3> logits_words{
    {{"none", Logits::none}, {"last", Logits::last}, {"all", Logits::all}}};

/// [record]: what is written and in which portions. All of it decides bits of the result.
struct RecordOptions {
  bool routing = true;               ///< expert ids and gate weights of every token
  Logits logits = Logits::none;      ///< router logits of all experts
  std::string precision = "auto";    ///< of weights and logits: auto | float16 | float32
  std::int64_t batch_tokens = 8192;  ///< tokens per forward pass
  std::int64_t shard_prompts = 256;  ///< prompts per shard file, the unit of commit
};

}  // namespace moerae
