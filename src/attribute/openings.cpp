#include "moerae/attribute/openings.hpp"

#include <algorithm>

namespace moerae {

Openings openings_of(Corpus const& corpus, std::size_t prompt) {
  auto const& all = corpus.continuations;
  auto const [first, last] = std::ranges::equal_range(all.prompt, static_cast<std::int64_t>(prompt));
  Openings out;
  for (auto at = first; at != last; ++at) {
    auto const i = static_cast<std::size_t>(at - all.prompt.begin());
    if (all.kind[i] == ContinuationKind::refuse) out.refuse.push_back(i);
    if (all.kind[i] == ContinuationKind::comply) out.comply.push_back(i);
  }
  return out;
}

std::int64_t margin_tokens(Corpus const& corpus, std::size_t prompt) {
  auto const before = corpus.response_offset[prompt] - corpus.offset[prompt];
  std::int64_t total = 0;
  auto const openings = openings_of(corpus, prompt);
  for (auto const* kind : {&openings.refuse, &openings.comply})
    for (auto const i : *kind)
      total += before + static_cast<std::int64_t>(corpus.continuations.tokens_of(i).size()) - 1;
  return total;
}

}  // namespace moerae
