// At 1, 2 and 4 ranks: one expert group of all ranks.
#include "attribute/mask_attribution.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "attribute/made_openings.hpp"
#include "model/schedule/routed.hpp"
#include "moerae/attribute/criterion.hpp"
#include "moerae/base/draws.hpp"
#include "moerae/mpi/collective.hpp"

namespace moerae {
namespace {

/// What one masked expert changes in its layer, the slow way: the layer's routed output once more.
struct Compared final : GradientTap {
  Compared(ResidentModel const& of) : model(of) {}
  void on_gradient(LayerGradient const& found) override {
    torch::NoGradGuard const no_graph;
    auto const effects = masking_effects(model, found);
    auto const i = static_cast<std::size_t>(found.layer.value);
    auto const& moe = std::get<MoeWeights>(model.weights.layers[i].feed_forward);
    auto const& spec = model.plan.layers[i].moe()->router;
    auto const& logits = found.decision.logits;
    auto const y = routed(model.exchange, found.x, found.decision, moe).y;
    for (std::int64_t e = 0; e < spec.experts; ++e) {
      RouterEdit edit;  // condition 0, for all
      edit.masked = torch::zeros({1, spec.experts}, torch::kBool);
      edit.masked[0][e] = true;
      auto const other = decide(logits, moe.correction_bias, spec, edit);
      auto const expected = ((y - routed(model.exchange, found.x, other, moe).y) * found.dy).sum(-1);
      EXPECT_TRUE(torch::allclose(effects.select(1, e), expected, 1e-4, 1e-5))
          << "layer " << i << ", expert " << e;
    }
    ++layers;
  }
  ResidentModel const& model;
  int layers = 0;
};

struct MaskAttributionTest : testing::Test {
  mpi::Comm world = mpi::Comm::world();
  Corpus corpus = test::made_openings(6);
  ModelPlan plan = test::made_plan();
  ModelWeights whole = test::made_weights(plan);
  ExpertGroup group{world, 7}, alone{mpi::Comm(), 7};
  ExpertSpace space{{1, 2, 3}, 7, 3};

  // Of this rank's share of the prompts; with `shared`, on the ranks of the group together.
  Attributions found(Causal which, std::vector<std::size_t> const& prompts, bool shared,
                     Phase phase = Phase::both) {
    auto const weights = test::made_weights(plan, shared ? world.rank() : 0, shared ? world.size() : 1);
    ResidentModel const model{plan, weights, shared ? group.exchange : alone.exchange};
    AttributeOptions options;
    options.phase = phase;
    options.batch_tokens = 40;
    auto const criterion = make_criterion(which, {corpus, model, space, options});
    criterion->begin(prompts);
    if (!shared) {
      while (!criterion->finished()) criterion->step();
      return criterion->found();
    }
    while (group.status.finish_step(criterion->finished() ? mpi::Status::idle : mpi::Status::busy) ==
           mpi::Status::busy)
      criterion->step();
    return criterion->found();
  }
  // The last of several ranks has none.
  [[nodiscard]] std::vector<std::size_t> mine() const {
    if (world.size() > 1 && world.rank() + 1 == world.size()) return {};
    std::vector<std::size_t> out;
    for (std::size_t p = static_cast<std::size_t>(world.rank()); p < corpus.size(); p += 2) out.push_back(p);
    return out;
  }
};

TEST_F(MaskAttributionTest, IsExactInsideALayerForEveryKindOfRouter) {
  auto const softmax = plan.layers[1].moe()->router;
  auto plain = softmax, grouped = softmax, sigmoid = softmax, mixer = softmax, chosen = softmax;
  plain.renormalise = false;
  grouped.experts = 6;
  grouped.groups = 3;
  grouped.top_groups = 2;
  grouped.scale = 1.7;
  sigmoid.score = RouterSpec::Score::sigmoid;
  mixer.weight = RouterSpec::Weight::sparse_mixer;
  mixer.score = RouterSpec::Score::logits;
  mixer.renormalise = false;
  mixer.top_k = 2;
  mixer.jitter = 0.4;
  chosen.weight = RouterSpec::Weight::softmax_of_chosen;
  chosen.score = RouterSpec::Score::logits;
  for (auto const& router : {softmax, plain, grouped, sigmoid, mixer, chosen}) {
    auto other = plan;
    for (std::size_t i = 1; i < other.layers.size(); ++i)
      std::get<MoeSpec>(other.layers[i].feed_forward).router = router;
    auto const weights = test::made_weights(other, world.rank(), world.size());
    ExpertGroup ranks(world, router.experts);
    ResidentModel const model{other, weights, ranks.exchange};
    std::vector<MarginRequest> requests;
    for (auto const p : mine()) requests.push_back({p});
    Margins const margins(corpus, requests, Phase::both);
    Pass pass{margins.rows()};
    ThereAndBack walk(model, pass);
    torch::manual_seed(3);
    auto const gradient = torch::randn_like(walk.up());
    Compared compared(model);
    walk.down(gradient, compared);
    EXPECT_EQ(compared.layers, 3);
  }
}

// Downstream of the last layer there is the norm and the head alone; for a small effect linear is right.
TEST_F(MaskAttributionTest, FollowsTheMeasuredDropWhereItIsSmall) {
  for (auto& layer : whole.layers)
    if (auto* moe = std::get_if<MoeWeights>(&layer.feed_forward))
      for (auto& expert : moe->experts) expert.down.weight *= 1e-3;
  ResidentModel const model{plan, whole, alone.exchange};
  AttributeOptions options;
  options.batch_tokens = 50;
  std::vector<std::size_t> const prompts{0, 1, 2, 3, 4, 5};
  auto const run = [&](Causal which) {
    auto const criterion = make_criterion(which, {corpus, model, space, options});
    criterion->begin(prompts);
    while (!criterion->finished()) criterion->step();
    return criterion->found();
  };
  auto const linear = run(Causal::mask_attribution), measured = run(Causal::single_mask);
  double largest = 0, error = 0;
  for (std::size_t i = 0; i < linear.drop.size(); ++i) {
    largest = std::max<double>(largest, std::abs(measured.drop[i]));
    error = std::max<double>(error, std::abs(measured.drop[i] - linear.drop[i]));
  }
  EXPECT_GT(largest, 1e-4);
  EXPECT_LT(error, 0.05 * largest);  // float32 margins differ in the last digits
  for (std::size_t p = 0; p < prompts.size(); ++p) EXPECT_NEAR(linear.margin[p], measured.margin[p], 1e-5);
}

TEST_F(MaskAttributionTest, SingleMaskIsThePassWithTheExpertMasked) {
  std::vector<std::size_t> const prompts{1, 4};
  for (auto const phase : {Phase::both, Phase::response}) {
    auto const all = found(Causal::single_mask, prompts, false, phase);
    torch::NoGradGuard const no_gradients;
    std::vector<RouterEdit> edits(plan.layers.size());
    edits[2].masked = torch::zeros({2, 7}, torch::kBool);
    edits[2].masked[1][4] = true;
    std::vector<MarginRequest> const requests{{4, 1}};
    Margins const margins(corpus, requests, phase);
    Pass pass{.rows = margins.rows(), .edits = &edits};
    auto const masked = margins.of(forward({plan, whole, alone.exchange}, pass), whole, plan).item<double>();
    EXPECT_NEAR(all.drop[21 + 7 + 4], all.margin[1] - masked, 1e-5);
  }
}

// Every pass by itself, and the estimate in the words of its definition.
TEST_F(MaskAttributionTest, RandomMaskIsTheDifferenceOfMeans) {
  torch::NoGradGuard const no_gradients;
  std::vector<std::size_t> const prompts{4, 2};
  ResidentModel const model{plan, whole, alone.exchange};
  AttributeOptions options;
  options.batch_tokens = 60;
  options.passes = 9;
  options.rho = {0.2, 0.3};
  options.seed = 8;
  auto const criterion = make_criterion(Causal::random_mask, {corpus, model, space, options});
  criterion->begin(prompts);
  while (!criterion->finished()) criterion->step();
  int emptied = 0, masked_at_all = 0;
  for (std::size_t p = 0; p < prompts.size(); ++p) {
    std::vector<std::vector<bool>> masks;  // [passes, L*K]
    std::vector<double> margins;
    for (std::size_t r = 0; r < 9; ++r) {
      std::vector<bool> mask(21);
      std::vector<RouterEdit> edits(plan.layers.size());
      for (std::size_t l = 0; l < 3; ++l) {
        std::size_t n = 0;
        for (std::size_t e = 0; e < 7; ++e) {
          auto const key = draw_key(8, Draw::random_mask, static_cast<std::uint32_t>(r * 21 + l * 7 + e),
                                    static_cast<std::int64_t>(corpus.prompt_id[prompts[p]]));
          mask[l * 7 + e] = static_cast<double>(key) / 0x1p64 < options.rho[r % 2];
          n += mask[l * 7 + e] ? 1 : 0;
        }
        bool const too_many = n > 4;  // fewer than 3 would be left
        emptied += too_many ? 1 : 0;
        auto table = torch::zeros({1, 7}, torch::kBool);
        for (std::size_t e = 0; e < 7; ++e) {
          if (too_many) mask[l * 7 + e] = false;
          table[0][static_cast<std::int64_t>(e)] = bool{mask[l * 7 + e]};
          masked_at_all += mask[l * 7 + e] ? 1 : 0;
        }
        edits[l + 1].masked = table;
      }
      std::vector<MarginRequest> const requests{{prompts[p]}};
      Margins const rows(corpus, requests, Phase::both);
      Pass pass{.rows = rows.rows(), .edits = &edits};
      margins.push_back(rows.of(forward(model, pass), whole, plan).item<double>());
      masks.push_back(mask);
    }
    for (std::size_t e = 0; e < 21; ++e) {
      double drop = 0, weights = 0;
      for (std::size_t level : {0, 1}) {
        std::vector<double> with, without;
        for (auto r = level; r < 9; r += 2) (masks[r][e] ? without : with).push_back(margins[r]);
        if (with.empty() || without.empty()) continue;
        auto const mean = [](std::vector<double> const& of) {
          return std::accumulate(of.begin(), of.end(), 0.0) / static_cast<double>(of.size());
        };
        double const u = static_cast<double>(with.size()), v = static_cast<double>(without.size());
        drop += u * v / (u + v) * (mean(with) - mean(without));
        weights += u * v / (u + v);
      }
      EXPECT_NEAR(criterion->found().drop[p * 21 + e], weights > 0 ? drop / weights : 0, 1e-5);
    }
  }
  EXPECT_GT(masked_at_all, 40);
  EXPECT_LT(emptied, 5);
}

TEST_F(MaskAttributionTest, IsTheSameOnRanksThatShareTheExperts) {
  for (auto const which : {Causal::mask_attribution, Causal::single_mask, Causal::random_mask}) {
    auto const prompts = mine();
    auto const together = found(which, prompts, true), by_itself = found(which, prompts, false);
    ASSERT_EQ(together.drop.size(), prompts.size() * 21);
    for (std::size_t i = 0; i < together.drop.size(); ++i)
      EXPECT_NEAR(together.drop[i], by_itself.drop[i], 2e-5 * (1 + std::abs(by_itself.drop[i])));
    for (std::size_t i = 0; i < prompts.size(); ++i)
      EXPECT_NEAR(together.margin[i], by_itself.margin[i], 1e-5);
  }
}

}  // namespace
}  // namespace moerae
