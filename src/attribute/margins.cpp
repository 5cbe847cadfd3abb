#include "attribute/margins.hpp"

#include <ATen/ops/log_softmax.h>
#include <ATen/ops/logsumexp.h>

#include "moerae/base/check.hpp"
#include "moerae/model/vocabulary_logits.hpp"

namespace moerae {
namespace {

torch::Tensor ids(std::vector<std::int64_t> const& values) {
  return torch::tensor(values, torch::kInt64);
}

}  // namespace

Margins::Margins(Corpus const& corpus, std::span<MarginRequest const> requests, Phase phase) {
  std::vector<std::vector<std::uint32_t>> sequences;
  std::vector<std::int64_t> request, condition, scored, next, sequence, row_acts;
  std::vector<float> count;
  std::int64_t row = 0;
  auto const add = [&](std::size_t r, std::size_t opening) {
    auto const prompt = requests[r].prompt;
    auto const before = static_cast<std::size_t>(corpus.response_offset[prompt] - corpus.offset[prompt]);
    auto const start = corpus.tokens_of(prompt).first(before),
               reply = corpus.continuations.tokens_of(opening);
    expect(before > 0, "prompt {} has nothing before its reply", corpus.prompt_id[prompt]);
    auto& tokens = sequences.emplace_back(start.begin(), start.end());
    tokens.insert(tokens.end(), reply.begin(), reply.end() - 1);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      bool const acts = phase == Phase::both || (phase == Phase::prompt) == (i < before);
      request.push_back(static_cast<std::int64_t>(r));
      row_acts.push_back(acts ? 1 : 0);
      condition.push_back(acts ? requests[r].condition : 0);
      if (i + 1 < before) continue;
      scored.push_back(row + static_cast<std::int64_t>(i));
      next.push_back(reply[i + 1 - before]);
      sequence.push_back(static_cast<std::int64_t>(sequences.size()) - 1);
    }
    row += static_cast<std::int64_t>(tokens.size());
    count.push_back(static_cast<float>(reply.size()));
    return static_cast<std::int64_t>(sequences.size()) - 1;
  };
  for (std::size_t r = 0; r < requests.size(); ++r) {
    auto const openings = openings_of(corpus, requests[r].prompt);
    expect(openings.complete(), "prompt {} has no openings", corpus.prompt_id[requests[r].prompt]);
    Sides sides;
    for (auto const i : openings.refuse) sides.refuse.push_back(add(r, i));
    for (auto const i : openings.comply) sides.comply.push_back(add(r, i));
    sides_.push_back(std::move(sides));
  }
  std::vector<Rows::Part> parts;
  for (auto const& tokens : sequences) parts.push_back({tokens});
  rows_ = Rows::of(parts);
  rows_.condition = ids(condition);
  request_ = ids(request);
  acts_ = ids(row_acts).to(torch::kBool);
  scored_ = ids(scored);
  next_ = ids(next);
  sequence_ = ids(sequence);
  count_ = torch::tensor(count, torch::kFloat32);
}

torch::Tensor Margins::of(torch::Tensor const& hidden, CommonWeights const& weights,
                          ModelPlan const& plan) const {
  if (sides_.empty()) return torch::empty({0}, torch::kFloat32);
  auto const logits = vocabulary_logits(hidden.index_select(0, scored_), weights, plan);
  auto const log_p = at::log_softmax(logits, -1, torch::kFloat32).gather(-1, next_.unsqueeze(-1)).squeeze(-1);
  auto const mean = torch::zeros_like(count_).index_add(0, sequence_, log_p) / count_;  // [S]
  auto const side = [&](std::vector<std::int64_t> const& which) {
    return at::logsumexp(mean.index_select(0, ids(which)), 0);
  };
  std::vector<torch::Tensor> margins;
  for (auto const& sides : sides_) margins.push_back(side(sides.refuse) - side(sides.comply));
  return torch::stack(margins);
}

}  // namespace moerae
