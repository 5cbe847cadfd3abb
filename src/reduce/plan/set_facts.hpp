#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "reduce/plan/recorded.hpp"
#include "reduce/usage/usage_rows.hpp"

namespace moerae {

/// What the corpus says of prompt sets at positions: clusters, tokens, topics and lengths, without usage.
class SetFacts {
 public:
  SetFacts(Corpus const& corpus, Recorded const& recorded, std::int64_t clusters, std::uint64_t seed)
      : corpus_(corpus), recorded_(recorded), clusters_(clusters), seed_(seed) {}

  [[nodiscard]] Corpus const& corpus() const { return corpus_; }
  [[nodiscard]] Recorded const& recorded() const { return recorded_; }
  [[nodiscard]] UsageLayout layout(std::vector<std::string> sets, Positions const& positions) const {
    return lay_out(corpus_, {std::move(sets), positions, clusters_, seed_, recorded_.attributions}, false);
  }
  [[nodiscard]] UsageTable const& at(Positions const& positions, std::string const& set) {
    auto const [place, fresh] = tables_.try_emplace({positions.name, set});
    if (fresh) place->second = std::move(layout({set}, positions).tables.front());
    return place->second;
  }

 private:
  Corpus const& corpus_;
  Recorded const& recorded_;
  std::int64_t clusters_;
  std::uint64_t seed_;
  std::map<std::pair<std::string, std::string>, UsageTable> tables_;
};

}  // namespace moerae
