#include "tune/pass_rows.hpp"

namespace moerae {

PassRows rows_of(Corpus const& corpus, std::span<Example const> examples, Indices const& which) {
  std::vector<std::vector<std::uint32_t>> fed;
  std::vector<std::int64_t> learned, next, retained, last;
  std::int64_t row = 0;
  for (auto const i : which) {
    auto const& example = examples[i];
    auto const first = row + example.before - 1;
    last.push_back(first);
    auto const reply = reply_tokens(corpus, example);
    for (std::int64_t j = 0; j < example.reply; ++j) {
      if (example.retain) {
        retained.push_back(first + j);
      } else {
        learned.push_back(first + j);
        next.push_back(reply[static_cast<std::size_t>(j)]);
      }
    }
    fed.push_back(fed_tokens(corpus, example));
    row += example.tokens();
  }
  std::vector<Rows::Part> parts;
  for (auto const& tokens : fed) parts.push_back({tokens});
  auto const ids = [](std::vector<std::int64_t> const& values) {
    return torch::tensor(values, torch::kInt64);
  };
  return {Rows::of(parts), ids(learned), ids(next), ids(retained), ids(last)};
}

}  // namespace moerae
