#include "reduce/significance/made_groups.hpp"

namespace moerae::test {

UsageTable clusters_of(std::vector<std::int64_t> const& ids) {
  UsageTable table;
  table.clusters = ids;
  table.topic.assign(ids.size(), 0);
  table.length.assign(ids.size(), 10);
  return table;
}

}  // namespace moerae::test
