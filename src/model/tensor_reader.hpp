#pragma once

#include <torch/types.h>

#include <map>
#include <string>
#include <vector>

#include "moerae/model/linear.hpp"
#include "moerae/model/safetensors.hpp"

namespace moerae {

/// Copies tensors out of a checkpoint, counts the bytes and hashes what this rank owns.
class TensorReader {
 public:
  /// `hashes_common`: this rank owns the tensors that all ranks hold.
  TensorReader(ModelPlan const& plan, Checkpoint const& checkpoint, torch::Dtype dtype, bool hashes_common)
      : plan_(plan), checkpoint_(checkpoint), dtype_(dtype), hashes_common_(hashes_common) {}

  /// Whose tensor it is: held by all ranks, or of an expert that this rank owns alone.
  enum class Owner { common, expert };

  /// The tensor in the compute dtype, or in float32.
  [[nodiscard]] torch::Tensor parameter(std::string const& name, Owner owner = Owner::common);
  [[nodiscard]] torch::Tensor wide_parameter(std::string const& name);
  /// Row `index` of the first axis; as stored where `raw`.
  [[nodiscard]] torch::Tensor row(std::string const& name, std::int64_t index, bool raw = false);
  /// <module>.weight, unpacked where it is block FP8, and <module>.bias.
  [[nodiscard]] LinearWeights linear(std::string const& module, bool bias, Owner owner = Owner::common);
  /// Only hashes it.
  void note(std::string const& name);

  [[nodiscard]] std::map<std::string, std::string>& hashes() { return hashes_; }
  [[nodiscard]] std::int64_t bytes_read() const { return bytes_read_; }

 private:
  [[nodiscard]] torch::Tensor stored(std::string const& name, StoredTensor const& tensor, bool hash);

  ModelPlan const& plan_;
  Checkpoint const& checkpoint_;
  torch::Dtype dtype_;
  bool hashes_common_;
  std::map<std::string, std::string> hashes_;
  std::int64_t bytes_read_ = 0;
};

}  // namespace moerae
