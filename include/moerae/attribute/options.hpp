#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moerae/base/words.hpp"
#include "moerae/corpus/corpus.hpp"
#include "moerae/model/intervention/phase.hpp"

namespace moerae {

/// The method of `attribute`: raised by whoever corrects what it writes, so that old results are not taken
/// for new ones.
inline constexpr int attribute_method = 1;

/// How the part of an expert in the refusal margin is found.
///   mask_attribution  what masking it takes off, exact inside its layer and linear downstream: one pass up
///   and
///                     down for all experts (methods 11)
///   single_mask       the same measured: one pass for every expert, with it masked
///   random_mask       a randomised experiment: `passes` passes, each with a share `rho` of all experts
///   masked
enum class Causal { mask_attribution, single_mask, random_mask };
inline constexpr Words<Causal, 3> causal_words{{{"mask_attribution", Causal::mask_attribution},
                                                {"single_mask", Causal::single_mask},
                                                {"random_mask", Causal::random_mask}}};

/// [attribute]: what masking each expert does to the refusal margin of every prompt. All of it decides bits.
struct AttributeOptions {
  std::vector<Causal> criteria = {Causal::mask_attribution};
  Phase phase = Phase::both;              ///< tokens on which the masks act
  std::vector<std::string> sets = {};     ///< of prompts; empty: all
  Split split = Split::discovery;         ///< experts are selected on discovery
  std::int64_t passes = 64;               ///< of random_mask, for every prompt
  std::vector<double> rho = {0.05, 0.2};  ///< of random_mask, in turn: the chance of each expert to be masked
  std::uint64_t seed = 0;                 ///< key of its draws
  bool super_experts = false;             ///< of random_mask: its masks take those, too
  std::int64_t batch_tokens = 4096;       ///< of one forward pass, openings included
  std::int64_t shard_prompts = 64;        ///< prompts of one file
};

/// Any split can be looked at: `reduce` selects on discovery, the others are for comparison.
inline constexpr Words<Split, 3> all_splits{
    {{"discovery", Split::discovery}, {"validation", Split::validation}, {"test", Split::test}}};

}  // namespace moerae
