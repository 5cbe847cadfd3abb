#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "moerae/corpus/corpus.hpp"

namespace moerae {

/// The openings of a prompt between which its refusal margin decides: indices of continuations.
struct Openings {
  std::vector<std::size_t> refuse, comply;
  [[nodiscard]] bool complete() const { return !refuse.empty() && !comply.empty(); }
  [[nodiscard]] std::size_t size() const { return refuse.size() + comply.size(); }
};
[[nodiscard]] Openings openings_of(Corpus const& corpus, std::size_t prompt);

/// Tokens that a pass takes for the margin of a prompt: it stands before each of its openings, whose last
/// token is predicted and not fed.
[[nodiscard]] std::int64_t margin_tokens(Corpus const& corpus, std::size_t prompt);

}  // namespace moerae
