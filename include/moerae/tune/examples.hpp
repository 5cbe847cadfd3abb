#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "moerae/corpus/corpus.hpp"
#include "moerae/tune/options.hpp"

namespace moerae {

/// A prompt with a reply to it that is teacher-forced.
struct Example {
  std::size_t prompt = 0;
  std::optional<std::size_t> continuation;  ///< none: the reply that the corpus has behind the prompt
  bool retain = false;                      ///< it is kept, not learned
  std::int64_t before = 0;                  ///< tokens of the prompt
  std::int64_t reply = 0;                   ///< tokens of the reply, all of them predicted
  /// Of a pass: the last token of the reply is predicted and not fed.
  [[nodiscard]] std::int64_t tokens() const { return before + reply - 1; }
};

struct Examples {
  std::vector<Example> all;  ///< in order of the prompts
  std::size_t left_out = 0;  ///< prompts of the sets without a reply
};

/// The examples of the discovery split, on which experts were selected, too. A prompt with target
/// continuations is an example for each; else its own reply, where it has one, makes one. Prompts with a
/// wrapper that is held out make none. Throws ConfigError where a set or a wrapper is unknown, a set is named
/// in both lists, or where nothing is left to learn.
[[nodiscard]] Examples find_examples(Corpus const& corpus, TuneOptions const& options);

/// Prompt and reply without its last token; the reply.
[[nodiscard]] std::vector<std::uint32_t> fed_tokens(Corpus const& corpus, Example const& example);
[[nodiscard]] std::span<std::uint32_t const> reply_tokens(Corpus const& corpus, Example const& example);

}  // namespace moerae
