#pragma once

#include <cstdint>
#include <string>

namespace moerae {

/// [record]: what is written and in which portions. All of it decides bits of the result.
struct RecordOptions {
  bool routing = true;               ///< expert ids and gate weights of every token
  bool logits = false;               ///< router logits of every token (all experts; large)
  std::string precision = "auto";    ///< of weights and logits: auto | float16 | float32
  std::int64_t batch_tokens = 8192;  ///< tokens per forward pass
  std::int64_t shard_prompts = 256;  ///< prompts per shard file, the unit of commit
};

}  // namespace moerae
