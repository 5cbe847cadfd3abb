#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moerae/model/tensor_specs.hpp"

namespace moerae {

class SafetensorsFile;

/// A tensor as it stands in a file: a view into the mapping, valid as long as its Checkpoint.
struct StoredTensor {
  std::string dtype;  ///< safetensors name: F32, BF16, F16, ...
  std::vector<std::int64_t> shape;
  std::span<std::byte const> bytes;  ///< row-major, little endian
  SafetensorsFile const* file = nullptr;
};

/// Bytes of one element; 0 for a name that safetensors does not define.
[[nodiscard]] std::size_t safetensors_size(std::string_view dtype);

/// One safetensors file, memory-mapped. The constructor checks the header against the file: length at most
/// 100 MB and inside the file, strict JSON, offsets contiguous from 0 without hole or overlap and covering
/// the file, sizes that follow from dtype and shape by checked multiplication. Memory: the header's pages and
/// about 200 bytes and the name per tensor. A symbolic link is followed, since caches of checkpoints link
/// their blobs. Throws DataError naming the file and the tensor.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(std::filesystem::path const& path);
  SafetensorsFile(SafetensorsFile const&) = delete;
  SafetensorsFile& operator=(SafetensorsFile const&) = delete;
  ~SafetensorsFile();

  [[nodiscard]] std::map<std::string, StoredTensor, std::less<>> const& tensors() const { return tensors_; }
  [[nodiscard]] std::string_view header() const { return header_; }
  [[nodiscard]] std::filesystem::path const& path() const { return path_; }
  /// Copies `part` of a tensor's bytes by pread: cheaper than faulting the mapping in, and an I/O error is a
  /// DataError instead of a signal.
  void copy(std::span<std::byte const> part, std::byte* to) const;
  /// Where a part of a tensor's bytes begins in the file.
  [[nodiscard]] std::size_t offset_of(std::span<std::byte const> part) const;

 private:
  void map();
  void read_header();
  void release();

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::byte const* mapping_ = nullptr;
  std::size_t size_ = 0;
  std::string_view header_;
  std::map<std::string, StoredTensor, std::less<>> tensors_;
};

/// A checkpoint folder: `model.safetensors`, or the files named by `model.safetensors.index.json`.
class Checkpoint {
 public:
  /// Opens and checks every file. Throws DataError.
  [[nodiscard]] static Checkpoint open(std::filesystem::path const& folder);

  /// The plan of this checkpoint's config.json as its tensors have it; afterwards the tensors go by the names
  /// of the plan, whatever transformers would read them from: another spelling, a base model without its
  /// prefix, the experts of a layer fused into two tensors (here then the parts of each). Of a plan that is
  /// quantised the tensors decide whether they are. A head that differs from the embedding it is tied to is
  /// not tied, as in transformers. Then `check_against`. Throws DataError, also where a tensor is there twice
  /// in two layouts.
  [[nodiscard]] ModelPlan fit(ModelPlan plan);
  /// Throws DataError where there is no such tensor.
  [[nodiscard]] StoredTensor const& at(std::string const& name) const;
  /// Every tensor of the plan is there with its shape and a floating dtype, and there is no other but the
  /// known extras. Throws DataError that names the first offenders, the family and the file.
  void check_against(ModelPlan const& plan) const;
  /// Of a linear weight that is packed, after `fit`: its shape [out, in]; null of a plain one.
  [[nodiscard]] std::vector<std::int64_t> const* packed(std::string const& name) const;
  /// Hash of config.json, of every file name, size and header and of the first 4 KiB of every tensor: what
  /// can be told without reading all weights.
  [[nodiscard]] std::string fingerprint() const;
  [[nodiscard]] std::int64_t bytes() const;
  [[nodiscard]] std::vector<std::filesystem::path> files() const;

 private:
  struct Part {
    std::string name, dtype;  // dtype empty: F32, BF16 or F16
    std::vector<std::int64_t> shape;
  };
  [[nodiscard]] std::vector<Part> stored_parts(ModelPlan const& plan) const;
  void put(std::string const& name, StoredTensor const* tensor, std::string const& stored);
  void spell(WeightNames const& names);
  void cut(std::string const& fused, std::vector<std::int64_t> const& shape,
           std::vector<std::vector<std::string>> const& parts);
  void separate(ModelPlan const& plan, LayerId layer);
  void fit_quantisation(ModelPlan& plan) const;
  void find_packed(ModelPlan const& plan);
  void fit_ties(ModelPlan& plan);

  std::filesystem::path folder_;
  std::vector<std::unique_ptr<SafetensorsFile>> files_;
  std::map<std::string, StoredTensor const*, std::less<>> tensors_;
  std::map<std::string, std::vector<std::int64_t>, std::less<>> packed_;
  std::deque<StoredTensor> cuts_;  // parts of tensors, which have no entry of their own in a file
};

}  // namespace moerae
