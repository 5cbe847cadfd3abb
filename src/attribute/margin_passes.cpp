#include "attribute/margin_passes.hpp"

#include "moerae/model/torch_error.hpp"

namespace moerae {

void MarginPasses::begin(std::span<std::size_t const> prompts) {
  expect(finished(), "prompts are under way");
  prompts_.assign(prompts.begin(), prompts.end());
  found_.margin.assign(prompts.size(), 0);
  found_.drop.assign(prompts.size() * setting_.space.size(), 0);
  asked_ = ask(prompts.size());
  next_ = 0;
}

void MarginPasses::step() {
  std::vector<MarginRequest> requests;
  std::int64_t tokens = 0;
  auto last = next_;
  for (; last < asked_.size() && asked_[last].tables == asked_[next_].tables; ++last) {
    auto const prompt = prompts_[asked_[last].prompt];
    tokens += margin_tokens(setting_.corpus, prompt);
    if (last > next_ && tokens > setting_.options.batch_tokens) break;
    requests.push_back({prompt, asked_[last].condition});
  }
  Margins const margins(setting_.corpus, requests, setting_.options.phase);
  with_torch_errors([&] { pass(margins, std::span(asked_).subspan(next_, last - next_)); });
  next_ = last;
}

torch::Tensor MarginPasses::margins_under(std::vector<RouterEdit> const& edits,
                                          Margins const& margins) const {
  torch::NoGradGuard const no_graph;
  Pass pass{.rows = margins.rows(), .edits = &edits};
  return margins.of(forward(setting_.model, pass), setting_.model.weights, setting_.model.plan);
}

}  // namespace moerae
