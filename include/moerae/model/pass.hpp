#pragma once

#include <vector>

#include "moerae/model/intervention/edit.hpp"
#include "moerae/model/rope.hpp"
#include "moerae/model/rows.hpp"
#include "moerae/model/tap.hpp"

namespace moerae {

class KvCache;

/// One walk of rows through the layers: what all layers share. Made anew for every walk.
struct Pass {
  Rows const& rows;
  LayerTap* tap = nullptr;                         ///< null: nobody looks
  std::vector<RouterEdit> const* edits = nullptr;  ///< by decoder layer; null: none
  KvCache* cache = nullptr;  ///< of the slots that the rows name; null: no row has a past
  bool largest = false;      ///< the tap is shown the largest expert outputs, too; the same on all ranks
  RopeTables ropes{};        ///< filled as layers ask

  [[nodiscard]] RouterEdit const& edit(LayerId layer) const {
    static RouterEdit const none;
    return edits ? (*edits)[static_cast<std::size_t>(layer.value)] : none;
  }
};

}  // namespace moerae
