#pragma once

#include <torch/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "moerae/attribute/openings.hpp"
#include "moerae/model/intervention/phase.hpp"
#include "moerae/model/plan.hpp"
#include "moerae/model/rows.hpp"
#include "moerae/model/weights.hpp"

namespace moerae {

/// A prompt whose margin is asked for under a condition (row of the tables of the edits).
struct MarginRequest {
  std::size_t prompt;
  std::int64_t condition = 0;
};

/// The rows of a pass that give refusal margins, teacher-forced (methods 11): of a prompt
///   m = logsumexp over refusing openings of mean log p - the same over complying openings
/// in nats, log p of the tokens of an opening behind the prompt, the mean over its tokens. Every opening is a
/// sequence of its own. N requests, S sequences, T rows.
class Margins {
 public:
  /// Prompts with both kinds of openings. Conditions act on the rows of `phase`: an opening is the response.
  Margins(Corpus const& corpus, std::span<MarginRequest const> requests, Phase phase);

  [[nodiscard]] Rows const& rows() const { return rows_; }
  [[nodiscard]] torch::Tensor const& request() const { return request_; }  ///< [T] int64, of each row
  [[nodiscard]] torch::Tensor const& acts() const { return acts_; }        ///< [T] bool: a row of the phase
  /// m [N] float32 from hidden states behind the final norm [T, H]; differentiable in them.
  [[nodiscard]] torch::Tensor of(torch::Tensor const& hidden, CommonWeights const& weights,
                                 ModelPlan const& plan) const;

 private:
  struct Sides {
    std::vector<std::int64_t> refuse, comply;  // sequences
  };
  Rows rows_;
  torch::Tensor request_, acts_;
  torch::Tensor scored_, next_, sequence_;  // [n] row before a token of an opening, the token, its sequence
  torch::Tensor count_;                     // [S] float32, tokens of each opening
  std::vector<Sides> sides_;                // [N]
};

}  // namespace moerae
