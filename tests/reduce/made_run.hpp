#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "moerae/base/check.hpp"
#include "moerae/model/expert_space.hpp"
#include "reduce/usage/usage_table.hpp"
#include "store/scratch.hpp"

namespace moerae::test {

/// A prompt of a made run: a template token, `content` tokens, a template token, `response` tokens.
struct MadePrompt {
  std::uint64_t id = 0;
  std::string set;
  std::int64_t cluster = 0;
  std::uint8_t split = 0;
  int content = 3, response = 2;
  [[nodiscard]] int length() const { return content + response + 2; }
};

/// 2 MoE layers (decoder 1 and 3) of 8 experts, top-2.
[[nodiscard]] ExpertSpace made_space();

/// Sets a, b and c: `clusters` goals, each with a prompt of every set, two of a; every fifth goal is of
/// split 1.
[[nodiscard]] std::vector<MadePrompt> made_prompts(int clusters);

/// Experts [k] of a token: a pure function of prompt id, set, layer index and position. Layer index 0: expert
/// 5 is preferred by set a and avoided by set b; layer index 1: set b prefers expert 2.
[[nodiscard]] std::vector<int> made_experts(MadePrompt const& prompt, std::size_t layer, int position);
/// Weight of the i-th of them in ascending order: exact in binary16.
[[nodiscard]] float made_weight(std::size_t i);

struct MadeRunOptions {
  std::size_t shard_prompts = 4;
  bool routing = true, half = false;
};

/// Writes corpus.h5, record/ and the manifest as `record` does.
void write_made_run(std::filesystem::path const& run, std::vector<MadePrompt> const& prompts,
                    MadeRunOptions const& options = {});
/// One shard of it, not listed.
void write_made_shard(std::filesystem::path const& path, std::vector<MadePrompt> const& prompts,
                      std::string const& hash, MadeRunOptions const& options = {});

/// A table with given counts per cluster, in a space of one layer unless given.
[[nodiscard]] UsageTable made_table(std::string const& name, ExpertSpace const& space,
                                    std::vector<std::vector<std::int64_t>> const& counts,
                                    std::vector<std::int64_t> const& tokens);

/// The message of the Error that `action` throws (agreed ones have lost their type); its exit code must be
/// `code`.
template <class Action>
std::string message_of_code(ExitCode code, Action&& action) {
  return message_of<Error>([&] {
    try {
      action();
    } catch (Error const& error) {
      EXPECT_EQ(error.code(), code);
      throw;
    }
  });
}

}  // namespace moerae::test
