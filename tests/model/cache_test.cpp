// A past in a cache and the rows behind it, against the whole at once; every family:
// tests/analysis/test_steps.py.

#include "moerae/model/cache.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <stdexcept>

#include "model/made_model.hpp"
#include "moerae/model/schedule/resident.hpp"

namespace moerae {
namespace {

class Cache : public testing::Test {
 protected:
  torch::Tensor run(Rows const& rows, KvCache* cache = nullptr) {
    Pass pass{.rows = rows, .cache = cache};
    return forward(model_, pass);
  }

  torch::NoGradGuard no_grad_;
  mpi::Comm world_ = mpi::Comm::world();
  ModelPlan plan_ = test::made_plan();  // its second MoE layer has a window of 4
  ModelWeights weights_ = test::made_weights(plan_, world_.rank(), world_.size());
  ExpertGroup group_{world_, plan_.router().experts};
  ResidentModel model_{plan_, weights_, group_.exchange};
  KvCache cache_{plan_, {30, 12}, torch::kFloat32};
  std::vector<std::uint32_t> a_ = test::made_tokens(30, 1), b_ = test::made_tokens(12, 2);

  [[nodiscard]] Rows::Part part(std::vector<std::uint32_t> const& of, std::size_t past, std::size_t count,
                                int slot) const {
    return {std::span(of).subspan(past, count), static_cast<std::int64_t>(past), slot};
  }
};

TEST_F(Cache, AnyCutGivesTheWhole) {
  auto const whole_a = run(Rows::of({{a_}})), whole_b = run(Rows::of({{b_}}));
  // a in cuts of which some are longer and some shorter than the window, b beside it, later and in other cuts
  std::vector<std::array<std::size_t, 2>> const cuts{{2, 0}, {1, 3}, {9, 1}, {1, 1}, {3, 6}, {14, 1}};
  std::size_t a = 0, b = 0;
  for (auto const& [of_a, of_b] : cuts) {
    std::vector<Rows::Part> parts{part(a_, a, of_a, 0)};
    if (of_b > 0) parts.push_back(part(b_, b, of_b, 1));
    auto const y = run(Rows::of(parts), &cache_);
    auto const rows = [](torch::Tensor const& t, std::size_t first, std::size_t n) {
      return t.narrow(0, static_cast<std::int64_t>(first), static_cast<std::int64_t>(n));
    };
    EXPECT_TRUE(torch::allclose(rows(y, 0, of_a), rows(whole_a, a, of_a), 1e-4, 1e-5)) << "past " << a;
    EXPECT_TRUE(torch::allclose(rows(y, of_a, of_b), rows(whole_b, b, of_b), 1e-4, 1e-5)) << "past " << b;
    a += of_a;
    b += of_b;
  }
  EXPECT_EQ(a, 30U);
  EXPECT_EQ(b, 12U);
  // a slot begins anew whatever it held
  EXPECT_TRUE(
      torch::allclose(run(Rows::of({part(b_, 0, 5, 0)}), &cache_), whole_b.narrow(0, 0, 5), 1e-4, 1e-5));
}

TEST_F(Cache, TakesWhatWasPlannedAndWindowsOnlyTheirWindow) {
  std::vector<std::int64_t> const capacity{30, 12};
  auto const position = 2 * 2 * 6 * 4;  // keys and values of two heads, float32
  EXPECT_EQ(cache_.bytes(), position * (3 * (30 + 12) + 2 * 3));
  EXPECT_EQ(cache_bytes(plan_, capacity, 4), cache_.bytes());
  AttentionSpec latent;
  latent.heads = latent.kv_heads = 16;
  latent.head_dim = 192;
  latent.value_dim = 128;
  latent.latent = LatentSpec{0, 512, 128, 1e-6};
  plan_.layers = {{latent, DenseSpec{1}}};
  EXPECT_EQ(cache_bytes(plan_, capacity, 2), (30 + 12) * (512 + 64) * 2);
  EXPECT_EQ(KvCache(plan_, capacity, torch::kBFloat16).bytes(), cache_bytes(plan_, capacity, 2));
}

TEST_F(Cache, RefusesWhatItDoesNotHold) {
  auto const admit = [&](std::vector<Rows::Part> const& parts) { cache_.admit(Rows::of(parts)); };
  admit({part(a_, 0, 4, 0)});
  EXPECT_THROW(admit({part(a_, 5, 1, 0)}), std::logic_error);                     // 4 is missing
  EXPECT_THROW(admit({part(a_, 3, 1, 0)}), std::logic_error);                     // a window has forgotten
  EXPECT_THROW(admit({part(b_, 1, 1, 1)}), std::logic_error);                     // never begun
  EXPECT_THROW(admit({part(a_, 0, 13, 1)}), std::logic_error);                    // 12 positions
  EXPECT_THROW(admit({part(a_, 0, 1, 2)}), std::logic_error);                     // two slots
  EXPECT_THROW(admit({part(a_, 4, 1, 0), part(b_, 0, 1, 0)}), std::logic_error);  // one for both
  admit({part(a_, 4, 1, 0)});
  EXPECT_THROW((void)run(Rows::of({part(a_, 4, 1, -1)}), &cache_), std::logic_error);
  EXPECT_THROW((void)run(Rows::of({part(a_, 4, 1, 0)})), std::logic_error);
  at::AutoGradMode const gradients(true);
  EXPECT_THROW(admit({part(a_, 5, 1, 0)}), std::logic_error);
}

}  // namespace
}  // namespace moerae
