#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "moerae/model/session.hpp"
#include "moerae/store/adapters.hpp"

namespace moerae {

/// A range of one axis of a tensor; `single`: one index, and the axis falls away, as in numpy.
struct IndexRange {
  std::int64_t begin = 0, end = 0;
  bool single = false;
  friend bool operator==(IndexRange const&, IndexRange const&) = default;
};

/// The ranges of the first axes of a row-major tensor that mean its elements first, first + 1, ...,
/// first + count - 1; empty: all of it. Expects that there are such ranges.
[[nodiscard]] std::vector<IndexRange> ranges_of(std::vector<std::int64_t> const& shape, std::int64_t first,
                                                std::int64_t count);

/// A tensor of a checkpoint, or a part of one, that holds weights of a trained expert.
struct MergedPart {
  std::string tensor;             ///< as the file names it
  std::vector<IndexRange> index;  ///< what of it; empty: all
  std::string dtype;
  std::vector<std::int64_t> shape;  ///< of the part
  store::ExpertKey expert;
  std::filesystem::path file;
  std::size_t offset = 0, bytes = 0;  ///< in the file
  std::string before, after;          ///< XXH3-128 of what is there, and of what takes its place

  /// The tensor with its index, as numpy would spell it: NAME, NAME[3] or NAME[3, 0:24].
  [[nodiscard]] std::string spelled() const;
};

using MergedSink = std::function<void(MergedPart const& part, std::span<std::byte const> bytes)>;

/// Throws ConfigError where experts are packed (MXFP4, FP8, GPTQ, ...): they would have to be packed anew.
void check_mergeable(ModelPlan const& plan);

/// What an adapter changes in the files of a checkpoint, expert after expert, to `sink`: the weights with
/// what the adapter adds, summed in float32 and rounded once to the dtype of the file, in its layout; parts
/// that come out as they were are left out. Of the weights those of the trained experts are read, and one
/// expert is in memory at a time. Expects a mergeable plan. Throws DataError where the adapter is of a model
/// of another shape.
void for_merged_parts(ModelSource const& model, store::AdapterReader const& adapter, MergedSink const& sink);

/// Of all of them, all but the bytes. Throws ConfigError where there is none: all that was trained is rounded
/// away in the dtype of the files.
[[nodiscard]] std::vector<MergedPart> merged_parts(ModelSource const& model,
                                                   store::AdapterReader const& adapter);

}  // namespace moerae
