// Backward driven from the loop, layer by layer, with the exchange between the pieces (design decision 10),
// against autograd of one whole graph on one rank.

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <cstring>
#include <string>
#include <vector>

#include "model/experts.hpp"
#include "model/layer.hpp"
#include "model/layers.hpp"
#include "model/made_model.hpp"
#include "moerae/model/exchange.hpp"
#include "moerae/mpi/collective.hpp"

namespace moerae {
namespace {

using Tensors = std::vector<torch::Tensor>;

torch::Tensor leaf(torch::Tensor const& t) {
  return t.detach().requires_grad_(true);
}

Tensors zeros_like(Tensors const& at) {
  Tensors out;
  for (auto const& t : at) out.push_back(torch::zeros_like(t));
  return out;
}

torch::Tensor over_ranks(mpi::Comm const& world, torch::Tensor const& mine) {
  auto const values = mine.contiguous();
  auto sum = torch::zeros_like(values);
  auto const* bytes = static_cast<char const*>(values.const_data_ptr());
  for (auto const& text : mpi::gather_all(world, std::string(bytes, values.nbytes()))) {
    auto part = torch::empty_like(values);
    std::memcpy(part.mutable_data_ptr(), text.data(), text.size());
    sum += part;
  }
  return sum;
}

// Gradients of `of` towards `at` for the gradient `given` of `of`; zeros where nothing leads there.
Tensors gradients(Tensors const& of, Tensors const& at, Tensors const& given) {
  auto out = torch::autograd::grad(of, at, given, /*retain_graph=*/std::nullopt, /*create_graph=*/false,
                                   /*allow_unused=*/true);
  for (std::size_t i = 0; i < out.size(); ++i)
    if (!out[i].defined()) out[i] = torch::zeros_like(at[i]);
  return out;
}

Layer layer_of(ModelPlan const& plan, ModelWeights const& weights, std::size_t i) {
  return {plan, LayerId(static_cast<std::int32_t>(i)), weights.layers[i]};
}

// The parameters whose gradients are compared: of every layer one of the attention and, where there is one,
// the router.
Tensors shared_parameters(LayerWeights& layer) {
  Tensors out{layer.attention.qkv.weight};
  if (auto* moe = std::get_if<MoeWeights>(&layer.feed_forward)) out.push_back(moe->router.weight);
  return out;
}

Tensors expert_parameters(LayerWeights& layer) {
  Tensors out;
  if (auto* moe = std::get_if<MoeWeights>(&layer.feed_forward))
    for (auto const& expert : moe->experts) {
      out.push_back(expert.gate_up.weight);
      out.push_back(expert.down.weight);
    }
  return out;
}

struct Found {
  torch::Tensor input;                   // [T, H] gradient of the embedded tokens
  std::vector<Tensors> shared, experts;  // by layer
};

// One graph through everything; `rows` are those of all ranks.
Found whole(ModelPlan const& plan, Rows const& rows, torch::Tensor const& given) {
  auto weights = test::made_weights(plan);
  Tensors at{leaf(weights.embedding.index_select(0, rows.tokens))};
  for (auto& layer : weights.layers) {
    for (auto& p : shared_parameters(layer)) at.push_back(p.requires_grad_(true));
    for (auto& p : expert_parameters(layer)) at.push_back(p.requires_grad_(true));
  }
  Pass pass{rows};
  auto h = at.front();
  for (std::size_t i = 0; i < weights.layers.size(); ++i) {
    auto const layer = layer_of(plan, weights, i);
    auto const entered = enter(h, layer, pass);
    auto const y = layer.spec().moe() ? apply_experts(entered.x, entered.decision.experts,
                                                      entered.decision.weights, layer.moe())
                                      : torch::Tensor();
    h = leave(entered, y, layer);
  }
  auto const flat = gradients({h}, at, {given});
  Found out{flat.front(), {}, {}};
  auto next = flat.begin() + 1;
  for (auto& layer : weights.layers)
    for (auto [into, n] : {std::pair{&out.shared, shared_parameters(layer).size()},
                           std::pair{&out.experts, expert_parameters(layer).size()}}) {
      into->emplace_back(next, next + static_cast<std::ptrdiff_t>(n));
      next += static_cast<std::ptrdiff_t>(n);
    }
  return out;
}

// Up without a graph, keeping h; down again with one small graph a piece, the rows of the ranks exchanged
// between them.
Found driven(ModelPlan const& plan, ModelWeights& weights, ExpertExchange& exchange, Rows const& rows,
             torch::Tensor const& given) {
  std::vector<torch::Tensor> kept{weights.embedding.index_select(0, rows.tokens)};
  std::vector<torch::Tensor> outputs;  // of the routed experts
  Pass pass{rows};
  for (std::size_t i = 0; i < weights.layers.size(); ++i) {
    torch::NoGradGuard const no_graph;
    auto const layer = layer_of(plan, weights, i);
    auto const entered = enter(kept.back(), layer, pass);
    torch::Tensor y;
    if (layer.spec().moe()) {
      auto routes = exchange.open(entered.decision.experts);
      y = routes.back(apply_experts(routes.forth(entered.x), routes.forth(entered.decision.experts),
                                    routes.forth(entered.decision.weights), layer.moe()));
      routes.close();
    }
    outputs.push_back(y);
    kept.push_back(leave(entered, y, layer));
  }

  Found out{given, std::vector<Tensors>(weights.layers.size()), std::vector<Tensors>(weights.layers.size())};
  for (auto i = weights.layers.size(); i-- > 0;) {
    auto const layer = layer_of(plan, weights, i);
    auto const h = leaf(kept[i]);
    auto const entered = enter(h, layer, pass);
    Entered const cut{leaf(entered.h), leaf(entered.x), entered.decision};
    auto const y = outputs[i].defined() ? leaf(outputs[i]) : torch::Tensor();
    Tensors inputs{cut.h, cut.x};
    if (y.defined()) inputs.push_back(y);
    auto down = gradients({leave(cut, y, layer)}, inputs, {out.input});  // of h, x and the routed output
    Tensors of{entered.h, entered.x}, above{down[0], down[1]};
    if (y.defined()) {
      auto routes = exchange.open(entered.decision.experts);
      auto const x = leaf(routes.forth(entered.x)), gates = leaf(routes.forth(entered.decision.weights));
      Tensors at{x, gates};
      for (auto const& p : expert_parameters(weights.layers[i])) at.push_back(p);
      auto const there = apply_experts(x, routes.forth(entered.decision.experts), gates, layer.moe());
      auto const dy = routes.forth(down[2]);
      // a rank that got no row has no graph, and joins all the same
      auto const found = there.requires_grad() ? gradients({there}, at, {dy}) : zeros_like(at);
      above[1] = above[1] + routes.back(found[0]);
      of.push_back(entered.decision.weights);
      above.push_back(routes.back(found[1]));
      routes.close();
      out.experts[i] = {found.begin() + 2, found.end()};
    }
    Tensors at{h};
    for (auto const& p : shared_parameters(weights.layers[i])) at.push_back(p);
    auto found = gradients(of, at, above);
    out.input = found.front();
    out.shared[i] = {found.begin() + 1, found.end()};
  }
  return out;
}

TEST(Gradient, DrivenFromTheLoopEqualsOneGraph) {
  auto const world = mpi::Comm::world();
  auto const plan = test::made_plan();
  ExpertGroup group(world, plan.router().experts);
  // one sequence a rank; the last of several ranks has none
  std::vector<std::vector<std::uint32_t>> tokens;
  std::vector<Rows::Part> all;
  bool const idle = world.size() > 1;
  for (int r = 0; r < world.size() - (idle ? 1 : 0); ++r)
    tokens.push_back(test::made_tokens(7 + static_cast<std::size_t>(r), static_cast<std::uint32_t>(r) + 1));
  for (auto const& sequence : tokens) all.push_back({sequence});
  auto const everything = Rows::of(all);
  auto const rank = static_cast<std::size_t>(world.rank());
  auto const own = rank < tokens.size() ? Rows::of({{tokens[rank]}}) : Rows::of({});
  auto const first = rank < tokens.size() ? everything.sequences[rank].first : 0;
  torch::manual_seed(9);
  auto const given = torch::randn({everything.size(), plan.hidden});

  auto const expected = whole(plan, everything, given);
  auto weights = test::made_weights(plan, world.rank(), world.size());
  for (auto& layer : weights.layers) {
    for (auto& p : shared_parameters(layer)) p.requires_grad_(true);
    for (auto& p : expert_parameters(layer)) p.requires_grad_(true);
  }
  auto const found = driven(plan, weights, group.exchange, own, given.narrow(0, first, own.size()));

  auto const close = [](torch::Tensor const& a, torch::Tensor const& b) {
    return torch::allclose(a, b, 1e-4, 1e-5 * (1 + (b.numel() > 0 ? b.abs().max().item<double>() : 0)));
  };
  EXPECT_TRUE(close(found.input, expected.input.narrow(0, first, own.size())));
  ExpertShare const share{plan.router().experts, world.size()};
  for (std::size_t i = 0; i < plan.layers.size(); ++i) {
    // an expert's gradient is whole at its owner
    auto const skipped = static_cast<std::size_t>(2 * share.first(world.rank()));
    for (std::size_t p = 0; p < found.experts[i].size(); ++p)
      EXPECT_TRUE(close(found.experts[i][p], expected.experts[i][skipped + p])) << "layer " << i << ", " << p;
    // what all ranks hold gets its sum over the ranks
    for (std::size_t p = 0; p < found.shared[i].size(); ++p)
      EXPECT_TRUE(close(over_ranks(world, found.shared[i][p]), expected.shared[i][p]))
          << "layer " << i << ", " << p;
  }
}

}  // namespace
}  // namespace moerae
