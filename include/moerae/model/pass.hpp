#pragma once

#include "moerae/model/rope.hpp"
#include "moerae/model/rows.hpp"
#include "moerae/model/tap.hpp"

namespace moerae {

/// One walk of rows through the layers: what all layers share. Made anew for every walk.
struct Pass {
  Rows const& rows;
  LayerTap* tap = nullptr;  ///< null: nobody looks
  RopeTables ropes{};       ///< filled as layers ask
};

}  // namespace moerae
