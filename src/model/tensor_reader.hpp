#pragma once

#include <torch/types.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "moerae/model/placement.hpp"
#include "moerae/model/safetensors.hpp"
#include "moerae/model/weights.hpp"

namespace moerae {

/// Reads tensors of a checkpoint to where they stay, without a copy in between but for a small buffer where
/// type or order differ; counts the bytes and hashes what this rank owns on the way. What is asked for is
/// there after `finish`, which reads in the order of the files, on the threads of torch.
class TensorReader {
 public:
  /// `hashes_common`: this rank owns the tensors that all ranks hold.
  TensorReader(ModelPlan const& plan, Checkpoint const& checkpoint, Placement place, bool hashes_common)
      : plan_(plan), checkpoint_(checkpoint), place_(place), hashes_common_(hashes_common) {}

  /// The tensor in the compute dtype, or in float32.
  [[nodiscard]] torch::Tensor parameter(std::string const& name);
  [[nodiscard]] torch::Tensor wide_parameter(std::string const& name);
  /// The maps <module>.weight, unpacked where packed, and <module>.bias: those of one input as one map,
  /// rows one after another.
  [[nodiscard]] LinearWeights linear(std::vector<std::string> const& modules, bool bias);
  /// A routed expert, which this rank owns alone.
  [[nodiscard]] MlpWeights expert(LayerId layer, ExpertId expert);
  /// Only hashes it, where this rank owns it.
  void note(std::string const& name);

  /// Reads all that was asked for since the last time. Throws DataError.
  void finish();

  [[nodiscard]] std::map<std::string, std::string> const& hashes() const { return hashes_; }
  [[nodiscard]] std::int64_t bytes_read() const { return bytes_read_; }

 private:
  [[nodiscard]] torch::Tensor whole(std::string const& name, bool hash, torch::Dtype dtype);
  [[nodiscard]] torch::Tensor stacked(std::vector<std::string> const& modules, char const* part);
  // Memory for what is read: parts of large blocks, on the host of huge pages where the system has them.
  [[nodiscard]] torch::Tensor empty(std::vector<std::int64_t> const& shape, torch::Dtype dtype);
  // To `to`, a view whose elements come in the order of the file: a tensor, unpacked where packed, or row
  // `index` of the first axis of one.
  void fill(std::string const& name, torch::Tensor const& to, bool hash);
  void check(QuantisedWeight const& weight, std::string const& name) const;
  void fill_row(std::string const& name, std::int64_t index, torch::Tensor const& to, bool hash);
  struct Job {
    std::string name;
    StoredTensor tensor;
    torch::Dtype dtype;  // of the file
    torch::Tensor to;    // undefined: the bytes are only hashed
    bool hash;
    std::string result;  // the hash
  };
  void read(std::string name, StoredTensor const& tensor, torch::Tensor const& to, bool hash);
  static void run(Job& job, std::vector<std::byte>& buffer);

  ModelPlan const& plan_;
  Checkpoint const& checkpoint_;
  Placement place_;
  bool hashes_common_;
  torch::Tensor block_;  // uint8; its first used_ bytes are given away
  std::int64_t used_ = 0;
  std::vector<Job> jobs_;
  std::vector<std::function<void()>> afterwards_;  // what needs several tensors
  std::map<std::string, std::string> hashes_;
  std::int64_t bytes_read_ = 0;
};

}  // namespace moerae
