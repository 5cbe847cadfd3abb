// logits_of MODEL TOKENS: the logits of the vocabulary behind every token of one sequence, as JSON [T][V].
// TOKENS: "3,1,4". Run by tests/analysis/test_vocabulary_logits.py on checkpoints of every family.

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "moerae/model/load_weights.hpp"
#include "moerae/model/schedule/resident.hpp"
#include "moerae/model/vocabulary_logits.hpp"

namespace moerae {
namespace {

std::vector<std::uint32_t> parse(std::string const& text) {
  std::vector<std::uint32_t> out;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');)
    out.push_back(static_cast<std::uint32_t>(std::stoul(word)));
  return out;
}

nlohmann::json logits_of(std::filesystem::path const& folder, std::vector<std::uint32_t> const& tokens) {
  torch::NoGradGuard const no_gradients;
  auto plan = read_plan(folder);
  auto checkpoint = Checkpoint::open(folder);
  plan = checkpoint.fit(std::move(plan));
  auto const loaded = load_weights(plan, checkpoint, {}, {plan.router().experts}, Head::keep);
  ExpertGroup group(mpi::Comm(), plan.router().experts);
  auto const rows = Rows::of({{tokens}});
  Pass pass{.rows = rows};
  auto const hidden = forward({plan, loaded.weights, group.exchange}, pass);
  auto const logits = vocabulary_logits(hidden, loaded.weights, plan).contiguous();
  auto out = nlohmann::json::array();
  for (std::int64_t t = 0; t < logits.size(0); ++t) {
    auto const* row = logits[t].const_data_ptr<float>();
    out.push_back(std::vector<float>(row, row + logits.size(1)));
  }
  return out;
}

}  // namespace
}  // namespace moerae

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  at::set_num_threads(1);
  std::cout << moerae::logits_of(argv[1], moerae::parse(argv[2])).dump() << '\n';
}
