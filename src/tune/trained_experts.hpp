#pragma once

#include <torch/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "moerae/model/plan.hpp"
#include "moerae/model/weights.hpp"
#include "moerae/store/adapters.hpp"
#include "moerae/tune/options.hpp"

namespace moerae {

/// The trained tensors of the chosen experts that this rank owns, and their places in its model. Values and
/// gradients are float32 (master copies), each in one piece so that norm, sum over ranks and optimiser see
/// one vector; what the forward pass uses is in its dtype.
class TrainedExperts {
 public:
  /// `chosen`: of all ranks, ascending. Puts the tensors into `weights`, whose experts stay as they are until
  /// something is learned: b of the low-rank product and differences are zero, a is uniform within
  /// 1 / sqrt(in) as in PEFT, by counter-based numbers of (seed, layer, expert, map). References outlive it.
  TrainedExperts(ModelPlan const& plan, ModelWeights& weights, std::vector<store::ExpertKey> const& chosen,
                 TuneOptions const& options, std::uint64_t seed);

  [[nodiscard]] torch::Tensor& values() { return values_; }  ///< [N] float32, 0 where this rank owns none
  [[nodiscard]] torch::Tensor const& gradient() const { return gradient_; }  ///< [N] float32
  /// Makes the model use what `values` has become.
  void show();
  /// Takes the tensors out of the model, and puts them in again.
  void hide(bool hidden);

  /// The leaves of a layer for GradientTap::parameters, and what became of them.
  [[nodiscard]] std::vector<torch::Tensor> leaves(LayerId layer) const;
  void add_gradients(LayerId layer, std::vector<torch::Tensor> const& gradients);
  /// Counts the tokens that chose each expert: choices [R, k].
  void count(LayerId layer, torch::Tensor const& choices);

  /// Frobenius norms of what is added to gate, up and down of an own expert.
  [[nodiscard]] std::map<std::string, double> norms(std::size_t own) const;

  /// The chosen experts of this rank, ascending, and the tokens that chose them in passes that were counted.
  [[nodiscard]] std::vector<store::ExpertKey> const& own() const { return own_; }
  [[nodiscard]] std::vector<std::int64_t>& tokens() { return tokens_; }
  /// What is trained of an expert, by name: gate_up/a, gate_up/b, down/a, ... (store::AdapterTensors)
  [[nodiscard]] std::map<std::string, std::vector<std::int64_t>> shapes() const;
  /// A part of an own expert in a vector laid out as `values`; shares its memory.
  [[nodiscard]] torch::Tensor part(std::size_t own, std::string const& name, torch::Tensor const& of) const;

 private:
  struct Part {
    std::string name;
    std::vector<std::int64_t> shape;
    std::int64_t first;  // inside an expert
    LinearWeights MlpWeights::*map;
    torch::Tensor LowRank::*half;  // null: the difference of the whole map
  };
  [[nodiscard]] MlpWeights& expert(std::size_t own) const;
  [[nodiscard]] torch::Tensor part(std::size_t own, Part const& part, torch::Tensor const& of) const;
  void draw(std::uint64_t seed);
  void install();

  ModelWeights& weights_;
  TuneOptions const& options_;
  std::vector<Part> parts_;
  std::int64_t size_ = 0;  // values of an expert
  std::vector<store::ExpertKey> own_;
  std::vector<std::int64_t> tokens_;
  torch::Tensor values_, gradient_;
  std::vector<torch::Tensor> leaves_;  // [own x parts], in the dtype of the forward pass
  std::vector<MlpWeights> base_;       // [own]
  std::vector<MlpWeights> tuned_;
};

}  // namespace moerae
