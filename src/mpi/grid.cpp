#include "moerae/mpi/grid.hpp"

#include "moerae/base/check.hpp"
#include "moerae/mpi/agree.hpp"

namespace moerae::mpi {

Grid Grid::over(Comm const& world, int expert_width) {
  agree(world, [&] {
    validate<ConfigError>(expert_width >= 1, "grid.expert = {}: an expert group needs at least one rank",
                          expert_width);
    validate<ConfigError>(
        world.size() % expert_width == 0,
        "grid.expert = {} does not divide the {} rank(s) of this job, so no grid can be formed; start "
        "a multiple of {} ranks or change grid.expert",
        expert_width, world.size(), expert_width);
  });
  Grid grid;
  grid.data_width = world.size() / expert_width;
  grid.expert_width = expert_width;
  grid.group = world.rank() / expert_width;
  grid.member = world.rank() % expert_width;
  grid.experts = world.split(grid.group, grid.member);
  grid.data = world.split(grid.member, grid.group);
  return grid;
}

}  // namespace moerae::mpi
