#include "reduce/agreement/agreement.hpp"

#include "moerae/base/check.hpp"
#include "reduce/agreement/rank_correlation.hpp"

namespace moerae {
namespace {

/// value(i, j) for i <= j, mirrored.
template <class Value>
AgreementMatrix symmetric(std::size_t n, Value&& value) {
  AgreementMatrix out(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = i; j < n; ++j) out[i * n + j] = out[j * n + i] = value(i, j);
  return out;
}

void write_matrix(store::File& file, std::string const& name, AgreementMatrix const& matrix, std::size_t n) {
  std::vector<double> values;
  std::vector<std::uint8_t> defined;
  for (auto const& entry : matrix) {
    values.push_back(entry.value_or(0));
    defined.push_back(entry ? 1 : 0);
  }
  file.write(name, values, {n, n});
  file.write(name + "_defined", defined, {n, n});
}

}  // namespace

Agreement agreement(std::vector<NamedScores> const& scores, std::size_t size,
                    std::vector<NamedSet> const& sets) {
  Agreement out;
  out.size = size;
  std::vector<std::vector<double>> ranks;
  std::vector<std::vector<std::size_t>> top;
  for (auto const& [name, score] : scores) {
    expect(size >= 1 && score.size() == scores.front().score.size(), "agreement: top {} of {} experts in {}",
           size, score.size(), name);
    out.scores.push_back(name);
    ranks.push_back(mid_ranks(score));
    top.push_back(top_of(score, size));
  }
  out.spearman = symmetric(scores.size(), [&](auto i, auto j) { return correlation(ranks[i], ranks[j]); });
  out.jaccard = symmetric(scores.size(), [&](auto i, auto j) {
    return out.spearman[i * scores.size() + j] ? jaccard(top[i], top[j]) : std::nullopt;
  });
  for (auto const& set : sets) {
    out.sets.push_back(set.name);
    out.set_sizes.push_back(set.members.size());
  }
  out.set_jaccard =
      symmetric(sets.size(), [&](auto i, auto j) { return jaccard(sets[i].members, sets[j].members); });
  return out;
}

void write_agreement(store::File& file, Agreement const& agreement) {
  if (!agreement.scores.empty()) {
    auto const n = agreement.scores.size();
    file.write_strings("agreement/name", agreement.scores);
    write_matrix(file, "agreement/spearman", agreement.spearman, n);
    write_matrix(file, "agreement/jaccard", agreement.jaccard, n);
    file.set_attribute("agreement/jaccard", "size", agreement.size);
  }
  if (agreement.sets.empty()) return;
  std::vector<std::int64_t> const sizes(agreement.set_sizes.begin(), agreement.set_sizes.end());
  file.write_strings("agreement/sets/name", agreement.sets);
  file.write("agreement/sets/size", sizes, {sizes.size()});
  write_matrix(file, "agreement/sets/jaccard", agreement.set_jaccard, sizes.size());
}

}  // namespace moerae
