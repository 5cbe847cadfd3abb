#pragma once

#include <torch/types.h>

#include <span>

#include "moerae/model/rows.hpp"
#include "tune/batches.hpp"

namespace moerae {

/// Examples as the rows of a pass, each a sequence of its own. T rows.
struct PassRows {
  Rows rows;
  torch::Tensor learned, next;  // [n] int64: rows before a token of a reply to be learned, and the token
  torch::Tensor retained;       // [m] int64: rows before a token of a reply to be kept
  torch::Tensor last;           // [examples] int64: the last row of each prompt
};

[[nodiscard]] PassRows rows_of(Corpus const& corpus, std::span<Example const> examples, Indices const& which);

}  // namespace moerae
