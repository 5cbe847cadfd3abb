#include <algorithm>
#include <map>

#include "moerae/base/check.hpp"
#include "reduce/usage/same_token.hpp"

namespace moerae {

SharedTokens::SharedTokens(Corpus const& corpus, Positions const& positions, UsageLayout const& layout,
                           std::size_t a, std::size_t b)
    : corpus_(corpus), positions_(positions), layout_(layout), table_{a, b} {
  if (!corpus.has_tokens) return;
  auto const largest = corpus.tokens.empty() ? 0 : std::ranges::max(corpus.tokens);
  std::array<std::vector<std::uint32_t>, 2> times;
  times.fill(std::vector<std::uint32_t>(largest + std::size_t{1}, 0));
  auto const each = [&](auto const& action) {
    for (std::size_t p = 0; p < corpus.size(); ++p)
      if (auto const side = side_of(p); side < 2)
        for (std::int64_t i = 0; i < corpus.length(p); ++i)
          if (chosen(p, i)) action(side, p, token(p, i));
  };
  each([&](std::size_t side, std::size_t, std::uint32_t id) { ++times[side][id]; });
  number_.assign(largest + std::size_t{1}, none);
  for (std::size_t id = 0; id < number_.size(); ++id)
    if (times[0][id] > 0 && times[1][id] > 0) {
      number_[id] = static_cast<std::uint32_t>(tokens_.size());
      tokens_.push_back(times[0][id] + times[1][id]);
    }
  std::array<std::vector<std::map<std::uint32_t, std::uint32_t>>, 2> counted;
  for (std::size_t side = 0; side < 2; ++side) counted[side].resize(facts(side).clusters.size());
  each([&](std::size_t side, std::size_t p, std::uint32_t id) {
    if (number_[id] != none) ++counted[side][row_of(p)][number_[id]];
  });
  for (std::size_t side = 0; side < 2; ++side)
    for (auto const& cluster : counted[side]) {
      times_[side].emplace_back();
      for (auto const& [id, n] : cluster) times_[side].back().push_back({id, n});
    }
}

std::string SharedTokens::obstacle() const {
  if (ids() > 0) return {};
  auto const why =
      corpus_.has_tokens
          ? fmt::format("no token id occurs in both groups at {} = {}; choose other positions or",
                        positions_.key, positions_.name)
          : "the corpus has no token ids (an imported trace), so that equal tokens cannot be told;";
  return fmt::format("cmh_token of {}:{}: {} leave cmh_token out of contrast.criteria", facts(0).name,
                     facts(1).name, why);
}

std::vector<std::int64_t> SharedTokens::tokens_of(std::size_t side) const {
  std::vector<std::int64_t> tokens;
  for (auto const& cluster : times_[side]) {
    auto& sum = tokens.emplace_back(0);
    for (auto const& id : cluster) sum += id.times;
  }
  return tokens;
}

UsageTable const& SharedTokens::facts(std::size_t side) const {
  return layout_.tables[table_[side]];
}

std::size_t SharedTokens::side_of(std::size_t prompt) const {
  auto const table = layout_.table[prompt];
  return table == table_[0] ? 0 : table == table_[1] ? 1 : 2;
}

std::uint32_t SharedTokens::id_at(std::size_t prompt, std::int64_t position) const {
  return chosen(prompt, position) ? number_[token(prompt, position)] : none;
}

bool SharedTokens::chosen(std::size_t prompt, std::int64_t position) const {
  if (positions_.last) return corpus_.offset[prompt] + position + 1 == corpus_.response_offset[prompt];
  return positions_.classes[static_cast<std::size_t>(position_class(corpus_, prompt, position))];
}

std::uint32_t SharedTokens::token(std::size_t prompt, std::int64_t position) const {
  return corpus_.tokens[static_cast<std::size_t>(corpus_.offset[prompt] + position)];
}

}  // namespace moerae
