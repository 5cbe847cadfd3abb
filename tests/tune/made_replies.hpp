#pragma once

#include "model/made_model.hpp"
#include "moerae/corpus/corpus.hpp"

namespace moerae::test {

/// Prompts of 3, 4, ... tokens in sets `learn` and `keep` in turn. Every one has a target reply, of another
/// length, but the last two: one has a recorded reply, one has none. The discovery split, but for prompt 3.
inline Corpus made_replies(std::size_t prompts) {
  Corpus corpus;
  corpus.has_tokens = true;
  corpus.offset = {0};
  corpus.set.categories = {"learn", "keep"};
  corpus.continuations.offset = {0};
  for (std::size_t p = 0; p < prompts; ++p) {
    auto const seed = static_cast<std::uint32_t>(10 * p);
    auto const tokens = made_tokens(3 + p % 5, seed);
    bool const recorded = p + 2 == prompts, none = p + 1 == prompts;
    corpus.prompt_id.push_back(100 + p);
    corpus.tokens.insert(corpus.tokens.end(), tokens.begin(), tokens.end());
    corpus.offset.push_back(static_cast<std::int64_t>(corpus.tokens.size()));
    corpus.response_offset.push_back(corpus.offset.back() - (recorded ? 2 : 0));
    corpus.set.code.push_back(static_cast<std::int32_t>(p % 2));
    corpus.split.push_back(p == 3 ? Split::validation : Split::discovery);
    if (recorded || none) continue;
    auto const reply = made_tokens(1 + p % 3, seed + 7);
    auto& more = corpus.continuations;
    more.tokens.insert(more.tokens.end(), reply.begin(), reply.end());
    more.offset.push_back(static_cast<std::int64_t>(more.tokens.size()));
    more.prompt.push_back(static_cast<std::int64_t>(p));
    more.kind.push_back(ContinuationKind::target);
  }
  return corpus;
}

}  // namespace moerae::test
