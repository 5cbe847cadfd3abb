#pragma once

#include "model/made_model.hpp"
#include "moerae/corpus/corpus.hpp"

namespace moerae::test {

/// Prompts of 3, 4, ... tokens, each with two refusing openings and one complying one, of different lengths.
inline Corpus made_openings(std::size_t prompts) {
  Corpus corpus;
  corpus.has_tokens = true;
  corpus.offset = {0};
  auto& openings = corpus.continuations;
  openings.offset = {0};
  for (std::size_t p = 0; p < prompts; ++p) {
    auto const seed = static_cast<std::uint32_t>(10 * p);
    auto const tokens = made_tokens(3 + p, seed);
    corpus.prompt_id.push_back(100 + p);
    corpus.tokens.insert(corpus.tokens.end(), tokens.begin(), tokens.end());
    corpus.offset.push_back(static_cast<std::int64_t>(corpus.tokens.size()));
    corpus.response_offset.push_back(corpus.offset.back());
    auto const add = [&](ContinuationKind kind, std::size_t n, std::uint32_t more) {
      auto const reply = made_tokens(n, seed + more);
      openings.tokens.insert(openings.tokens.end(), reply.begin(), reply.end());
      openings.offset.push_back(static_cast<std::int64_t>(openings.tokens.size()));
      openings.prompt.push_back(static_cast<std::int64_t>(p));
      openings.kind.push_back(kind);
    };
    add(ContinuationKind::refuse, 1, 1);
    add(ContinuationKind::comply, 3, 2);
    add(ContinuationKind::refuse, 2 + p % 2, 3);
  }
  return corpus;
}

}  // namespace moerae::test
