#pragma once

#include <torch/types.h>

#include "moerae/model/router.hpp"
#include "moerae/model/routing_rows.hpp"

namespace moerae {

/// A decision on host memory, for those who read it without torch: the only place where routing leaves the
/// device. What lies there in the right type already is not copied.
class HostDecision {
 public:
  /// `logits` [n, K]: those that are asked for, of some or all of the rows; undefined: none.
  HostDecision(LayerId layer, RoutingDecision const& decision, torch::Tensor const& logits);
  /// Valid as long as this object.
  [[nodiscard]] RoutingRows rows() const;

 private:
  LayerId layer_;
  torch::Tensor experts_, weights_, logits_;
};

}  // namespace moerae
