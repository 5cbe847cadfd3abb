// steps_against_whole MODEL CUTS...: runs sequences of random tokens through a checkpoint at once, and again
// in cuts behind a cache; prints as JSON how far the two are apart. CUTS of one sequence, "20,1,0,5": rows in
// pass 0, 1, ...; 0 sits out. Run by tests/analysis/test_steps.py on checkpoints of every family.

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>

#include "moerae/model/cache.hpp"
#include "moerae/model/load_weights.hpp"
#include "moerae/model/schedule/resident.hpp"

namespace moerae {
namespace {

using Cuts = std::vector<std::int64_t>;  // of one sequence, by pass

Cuts parse(std::string const& text) {
  Cuts out;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) out.push_back(std::stoll(word));
  return out;
}

std::int64_t total(Cuts const& cuts, std::size_t passes) {
  return std::accumulate(cuts.begin(), cuts.begin() + static_cast<std::ptrdiff_t>(passes), std::int64_t{0});
}

// What comes out of the model for every row, in order of the passes: experts, logits of each layer, and the
// hidden state.
struct Outcome final : LayerTap {
  void on_decision(LayerId layer, Rows const&, RoutingDecision const& decision) override {
    experts[layer.value].push_back(decision.experts);
    logits[layer.value].push_back(decision.logits);
  }
  std::map<std::int32_t, std::vector<torch::Tensor>> experts, logits;
  std::vector<torch::Tensor> hidden;
};

// Largest difference in units of the root mean square of all values.
double apart(torch::Tensor const& a, torch::Tensor const& b) {
  return ((a - b).abs().max() / b.pow(2).mean().sqrt()).item<double>();
}

nlohmann::json compare(std::filesystem::path const& folder, std::vector<Cuts> const& sequences) {
  torch::NoGradGuard const no_gradients;
  auto plan = read_plan(folder);
  auto checkpoint = Checkpoint::open(folder);
  plan = checkpoint.fit(std::move(plan));
  auto const loaded = load_weights(plan, checkpoint, {}, {plan.router().experts});
  ExpertGroup group(mpi::Comm(), plan.router().experts);
  ResidentModel const model{plan, loaded.weights, group.exchange};
  auto const run = [&](Rows const& rows, KvCache* cache, Outcome& into) {
    Pass pass{.rows = rows, .tap = &into, .cache = cache};
    into.hidden.push_back(forward(model, pass));
  };

  std::vector<std::vector<std::uint32_t>> tokens;
  std::vector<std::int64_t> lengths;
  std::vector<Rows::Part> parts;
  torch::manual_seed(3);
  for (auto const& cuts : sequences) {
    lengths.push_back(total(cuts, cuts.size()));
    auto const drawn = torch::randint(plan.vocabulary, {lengths.back()}, torch::kInt64);
    tokens.emplace_back(drawn.const_data_ptr<std::int64_t>(),
                        drawn.const_data_ptr<std::int64_t>() + lengths.back());
  }
  for (auto const& sequence : tokens) parts.push_back({sequence});
  Outcome whole, steps;
  run(Rows::of(parts), nullptr, whole);

  KvCache cache(plan, lengths, torch::kFloat32);
  std::vector<std::int64_t> order;  // row of the whole that each row of the steps is
  for (std::size_t pass = 0; pass < sequences.front().size(); ++pass) {
    parts.clear();
    std::int64_t first = 0;  // row of the whole
    for (std::size_t s = 0; s < sequences.size(); first += lengths[s++]) {
      auto const past = total(sequences[s], pass), count = sequences[s][pass];
      if (count == 0) continue;
      parts.push_back(
          {std::span(tokens[s]).subspan(static_cast<std::size_t>(past), static_cast<std::size_t>(count)),
           past, static_cast<int>(s)});
      for (std::int64_t i = 0; i < count; ++i) order.push_back(first + past + i);
    }
    run(Rows::of(parts), &cache, steps);
  }

  auto const rows = torch::tensor(order, torch::kInt64);
  nlohmann::json out{{"rows", order.size()}, {"flipped", 0}, {"logits", 0.0}};
  for (auto const& [layer, experts] : whole.experts) {
    auto const of_whole = [&](auto const& values) { return values.at(layer).front().index_select(0, rows); };
    out["flipped"] =
        out["flipped"].get<std::int64_t>() +
        (torch::cat(steps.experts.at(layer)) != of_whole(whole.experts)).any(-1).sum().item<std::int64_t>();
    out["logits"] = std::max(out["logits"].get<double>(),
                             apart(torch::cat(steps.logits.at(layer)), of_whole(whole.logits)));
  }
  out["hidden"] = apart(torch::cat(steps.hidden), whole.hidden.front().index_select(0, rows));
  return out;
}

}  // namespace
}  // namespace moerae

int main(int argc, char** argv) {
  std::vector<moerae::Cuts> sequences;
  for (int i = 2; i < argc; ++i) sequences.push_back(moerae::parse(argv[i]));
  at::set_num_threads(1);
  std::cout << moerae::compare(argv[1], sequences).dump() << '\n';
}
