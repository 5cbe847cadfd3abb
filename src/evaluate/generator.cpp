#include "moerae/evaluate/generator.hpp"

#include <c10/core/InferenceMode.h>

#include <algorithm>

#include "moerae/base/check.hpp"
#include "moerae/model/cache.hpp"
#include "moerae/model/host_decision.hpp"
#include "moerae/model/torch_error.hpp"
#include "moerae/model/vocabulary_logits.hpp"

namespace moerae {

// Writes the decisions of a pass to the replies they belong to.
class Generator::Trace final : public LayerTap {
 public:
  explicit Trace(Generator& of) : of_(of) {
    auto const row = of.space_.layers.size() * static_cast<std::size_t>(of.space_.top_k);
    for (auto const& active : of.active_) {
      auto& reply = of.replies_[active.request];
      auto const rows = static_cast<std::size_t>(active.reached + active.rows);
      reply.experts.resize(rows * row);
      reply.weights.resize(rows * row);
    }
  }

  void on_decision(LayerId layer, Rows const&, RoutingDecision const& decision) override {
    HostDecision const host(layer, decision, {});
    auto const rows = host.rows();
    auto const& layers = of_.space_.layers;
    auto const l = static_cast<std::size_t>(std::ranges::lower_bound(layers, layer.value) - layers.begin());
    std::size_t from = 0;
    for (auto const& active : of_.active_) {
      auto& reply = of_.replies_[active.request];
      for (std::int64_t r = 0; r < active.rows; ++r) {
        auto at = (static_cast<std::size_t>(active.reached + r) * layers.size() + l) * rows.top_k;
        for (std::size_t j = 0; j < rows.top_k; ++j, ++at, ++from) {
          reply.experts[at] = static_cast<std::uint16_t>(rows.experts[from]);
          reply.weights[at] = rows.weights[from];
        }
      }
    }
  }

 private:
  Generator& of_;
};

Generator::Generator(ResidentModel model, KvCache& cache, ExpertSpace space, ReplyRules rules)
    : model_(model), cache_(cache), space_(std::move(space)), rules_(std::move(rules)) {
  expect(rules_.slots >= 1 && rules_.max_new_tokens >= 1, "{} slots, {} new tokens", rules_.slots,
         rules_.max_new_tokens);
  for (int slot = rules_.slots; slot-- > 0;) free_.push_back(slot);
}

void Generator::begin(std::vector<ReplyRequest> requests, std::vector<RouterEdit> const& edits) {
  expect(finished(), "requests are under way");
  edits_ = &edits;
  requests_ = std::move(requests);
  replies_.assign(requests_.size(), {});
  next_ = 0;
}

void Generator::admit() {
  auto total = static_cast<std::int64_t>(active_.size());
  for (auto& active : active_) active.rows = 1;
  while (next_ < requests_.size() && !free_.empty()) {
    auto const length = static_cast<std::int64_t>(requests_[next_].prompt.size());
    if (total > 0 && total + length > rules_.batch_tokens) break;
    active_.push_back({next_++, free_.back(), 0, length});
    free_.pop_back();
    total += length;
  }
}

Rows Generator::rows() const {
  std::vector<Rows::Part> parts;
  std::vector<std::int64_t> condition;
  for (auto const& active : active_) {
    auto const& request = requests_[active.request];
    bool const prompt = active.reached == 0;
    auto const tokens = prompt ? request.prompt : std::span(replies_[active.request].tokens).last(1);
    parts.push_back({tokens, active.reached, active.slot});
    bool const acts = rules_.phase == Phase::both || (rules_.phase == Phase::prompt) == prompt;
    condition.insert(condition.end(), tokens.size(), acts ? request.condition : 0);
  }
  auto out = Rows::of(parts);
  out.condition = torch::tensor(condition, torch::kInt64);
  return out;
}

void Generator::choose(torch::Tensor const& hidden) {
  std::vector<std::int64_t> last;
  std::vector<TokenPlace> places;
  std::vector<Active*> open;
  std::int64_t row = 0;
  for (auto& active : active_) {
    row += active.rows;
    active.reached += active.rows;
    if (active.ended) continue;
    last.push_back(row - 1);
    places.push_back({requests_[active.request].prompt_id, active.reached});
    open.push_back(&active);
  }
  if (open.empty()) return;
  auto const logits = vocabulary_logits(hidden.index_select(0, torch::tensor(last, torch::kInt64)),
                                        model_.weights, model_.plan);
  auto const chosen = sample(logits, rules_.sampling, places);
  for (std::size_t i = 0; i < open.size(); ++i) {
    auto& reply = replies_[open[i]->request];
    reply.tokens.push_back(chosen[i]);
    bool const stops = std::ranges::find(rules_.stop, chosen[i]) != rules_.stop.end();
    if (stops) reply.finish = Finish::stop;
    open[i]->ended = stops || static_cast<std::int64_t>(reply.tokens.size()) == rules_.max_new_tokens;
  }
}

// Those whose last token was fed.
void Generator::retire() {
  std::erase_if(active_, [&](Active const& active) {
    auto const whole = requests_[active.request].prompt.size() + replies_[active.request].tokens.size();
    bool const through = active.ended && active.reached == static_cast<std::int64_t>(whole);
    if (through) free_.push_back(active.slot);
    return through;
  });
  std::ranges::sort(free_, std::greater());
}

void Generator::step() {
  c10::InferenceMode const inference;
  with_torch_errors([&] {
    admit();
    auto const pass_rows = rows();
    Trace trace(*this);
    Pass pass{.rows = pass_rows, .tap = &trace, .edits = edits_, .cache = &cache_};
    choose(forward(model_, pass));
  });
  retire();
}

}  // namespace moerae
