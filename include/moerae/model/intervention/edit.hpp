#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "moerae/model/plan.hpp"

namespace moerae {

/// Decisions taken from elsewhere, for the rows of one pass. They replace what the router decides, masks and
/// forces of their rows included.
struct Replay {
  /// [T, k] int64, ascending; -1 in a row that is not replayed. Undefined: none is.
  torch::Tensor experts{};
  /// [T, k] as they are to be applied. Undefined: those of this router for these experts.
  torch::Tensor weights{};
};

/// How the decisions of one layer are edited. C conditions; the condition of a row says which row of the
/// tables holds for it, so that conditions share a pass; an undefined table edits nothing. Edits act on the
/// selection score, after the correction bias and before the groups; where scores are no sigmoid (softmax of
/// the logits, or the logits themselves) they act on the logits, which is the same for the selection and
/// reaches the weights too. The logits of the decision stay those of the router.
struct RouterEdit {
  /// [C, K] bool. Never selected (SAFEx, arXiv 2506.17368; methods 1).
  torch::Tensor masked{};
  /// [C, K] bool. Steered (SteerMoE's code; methods 5): raised 0.01 above the largest score of the token,
  /// lowered 0.01 below the smallest, both before any edit; in bfloat16 at least one step of it. At most k
  /// are raised; they tie, so the lowest ids go first.
  torch::Tensor raised{}, lowered{};
  /// [C, K] bool. Always selected, displacing the least of the others, with the weight the router's rule
  /// gives; their groups are selected first [ours].
  torch::Tensor forced{};
  /// [C, K] float32. Factor on the weight as applied, after all normalisation [ours]; not on weights that are
  /// replayed.
  torch::Tensor scale{};
  Replay replay{};
};

/// What a condition asks of a router that can not be done.
struct EditFault {
  std::int64_t condition = -1;  ///< row of the tables; -1: of all
  std::string text;
};

/// All that is wrong with an edit: shapes; experts both raised and lowered, or masked and raised or forced;
/// more than k raised or forced; forced experts in more groups than are selected; fewer than k experts left
/// for some choice of groups that a token could make; rows of a replay that are no selection of this router.
/// `decide` checks nothing of it. Pure; on the host.
[[nodiscard]] std::vector<EditFault> faults_of(RouterEdit const& edit, RouterSpec const& spec);

/// Whether masking or lowering an expert leaves the decision of every token that did not choose it as it is,
/// choice and weights (up to rounding). Not so where the others' weights rise (a softmax over all experts
/// that is not renormalised over the chosen), where groups are selected by experts that may then not be
/// chosen, and for the sparse mixer, whose softmax runs over near ties.
[[nodiscard]] bool spares_other_tokens(RouterSpec const& spec);

}  // namespace moerae
