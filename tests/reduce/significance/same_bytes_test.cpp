// Under mpirun at several numbers of ranks: results are those of one process, whatever the tiles and the
// memory.

#include <gtest/gtest.h>

#include "reduce/contrast/contrast_statistic.hpp"
#include "reduce/contrast/paired_t.hpp"
#include "reduce/contrast/studentised.hpp"
#include "reduce/significance/made_groups.hpp"

namespace moerae {
namespace {

using test::ids, test::random_usage;

class SameBytes : public testing::Test {
 protected:
  UsageTable a = random_usage(1, ids(0, 40), 7), b = random_usage(2, ids(15, 40), 7);
  Relabelling exchange{a, b, {}};
  ContrastTest const tests[3] = {
      {"studentised", studentised}, {"mass", studentised_mass}, {"paired_t", paired_t, true}};
  std::vector<ContrastTest const*> rows{&tests[0], &tests[1], &tests[2]};
  int passes = 0;

  std::vector<Significance> with(mpi::Comm const& comm, std::size_t layers_of_tile, std::size_t memory) {
    auto const tiles = [&](auto const& take) {
      ++passes;
      for (std::size_t first = 0; first < 7; first += layers_of_tile) {
        auto const last = std::min<std::size_t>(7, first + layers_of_tile);
        auto const tile_a = test::layers_of(a, first, last), tile_b = test::layers_of(b, first, last);
        take(Comparison{Group(tile_a), Group(tile_b)});
      }
    };
    passes = 0;
    return test_contrasts(comm, exchange, 4, rows, a.space.size(), tiles,
                          {.permutations = 211, .memory = memory});
  }
};

void expect_same(std::vector<Significance> const& found, std::vector<Significance> const& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t s = 0; s < found.size(); ++s) {
    EXPECT_EQ(found[s].t, expected[s].t);
    EXPECT_EQ(found[s].p_adjusted, expected[s].p_adjusted);
    EXPECT_EQ(found[s].p, expected[s].p);
    EXPECT_EQ(found[s].q, expected[s].q);
    EXPECT_EQ(found[s].lambda, expected[s].lambda);
    EXPECT_GT(found[s].lambda, 0);
  }
}

TEST_F(SameBytes, OnAnyRanksTilesAndMemory) {
  auto const comm = mpi::Comm::world();
  auto const alone = with({}, 7, 1 << 30);
  EXPECT_EQ(passes, 1);
  expect_same(with(comm, 7, 1 << 30), alone);
  EXPECT_EQ(passes, 1);
  expect_same(with(comm, 2, 10000), alone);  // 782 bytes a replicate: 12 at a time
  EXPECT_EQ(passes, ((211 + comm.size() - 1) / comm.size() + 11) / 12);
  expect_same(with(comm, 1, 0), alone);  // one at a time
}

TEST_F(SameBytes, MoreRanksThanReplicates) {
  auto const comm = mpi::Comm::world();
  auto const run = [&](mpi::Comm const& on) {
    Comparison const groups{Group(a), Group(b)};
    return test_contrasts(on, exchange, 4, rows, a.space.size(), [&](auto const& take) { take(groups); },
                          {.permutations = 2});
  };
  expect_same(run(comm), run({}));
}

}  // namespace
}  // namespace moerae
