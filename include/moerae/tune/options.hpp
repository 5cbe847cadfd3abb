#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "moerae/base/words.hpp"

namespace moerae {

/// The method of `tune`: raised by whoever corrects what it computes.
inline constexpr int tune_method = 1;

/// What is trained of a chosen expert.
///   lora  a product of two low-rank matrices beside each of its two maps, gate and up as one
///   full  all entries of its maps, as a difference to the weights that stay
enum class Trained { lora, full };
inline constexpr Words<Trained, 2> trained_words{{{"lora", Trained::lora}, {"full", Trained::full}}};

/// Which reply to a prompt is learned, of those that the corpus has.
///   target  what it should answer; where there is none, its recorded reply
///   refuse  its refusals
///   comply  its compliant replies: of forbidden prompts the behaviour that is not wanted, to be subtracted
enum class Learned { target, refuse, comply };
inline constexpr Words<Learned, 3> learned_words{
    {{"target", Learned::target}, {"refuse", Learned::refuse}, {"comply", Learned::comply}}};

/// A word in place of a set: every expert of the model.
inline constexpr char const* all_experts = "all";

/// How the learning rate falls behind the warm-up, to zero at the last step.
enum class Decay { cosine, linear, constant };
inline constexpr Words<Decay, 3> decay_words{
    {{"cosine", Decay::cosine}, {"linear", Decay::linear}, {"constant", Decay::constant}}};

/// [tune]: training of chosen experts, everything else frozen. All of it but save_steps decides bits.
struct TuneOptions {
  /// Of experts, trained together: names or paths that end in .json, @N: its N best; or all_experts alone.
  std::vector<std::string> set;
  std::optional<std::int64_t> control;  ///< number of a matched control of the set to be trained in its place
  Trained method = Trained::lora;
  std::int64_t rank = 8;                      ///< of an expert's map
  double alpha = 16;                          ///< the product is scaled by alpha / rank
  std::vector<std::string> sets = {};         ///< of prompts whose replies are learned; empty: all others
  Learned reply = Learned::target;            ///< of the sets that are learned
  std::vector<std::string> hold_out = {};     ///< wrappers that are not tuned on
  std::vector<std::string> retain_sets = {};  ///< of prompts whose replies are kept
  double retain = 1;                          ///< weight of KL(base || tuned) on the replies that are kept
  double retain_share = 0.5;                  ///< of the examples of a step
  double routing = 0;                         ///< weight of KL(base || tuned) of the router distributions
  double routing_temperature = 0.1;           ///< of those distributions
  double learning_rate = 1e-4;
  Decay decay = Decay::cosine;
  std::int64_t warmup_steps = 0;
  std::int64_t steps = 100;
  std::int64_t batch_tokens = 8192;  ///< of one step, over all ranks
  std::int64_t pass_tokens = 4096;   ///< of one forward and backward pass of a rank
  double max_grad_norm = 1;          ///< of all gradients together
  double weight_decay = 0;           ///< decoupled, of what is trained
  std::int64_t save_steps = 50;
};

}  // namespace moerae
