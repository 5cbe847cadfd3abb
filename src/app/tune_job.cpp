#include "app/tune_job.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "app/find_set.hpp"
#include "app/options/inputs.hpp"
#include "moerae/base/check.hpp"

namespace moerae {
namespace {

using Experts = std::vector<std::pair<LayerId, ExpertId>>;

Experts every_expert(ModelPlan const& plan) {
  Experts out;
  for (auto const layer : plan.moe_layers())
    for (std::int32_t e = 0; e < plan.router().experts; ++e) out.emplace_back(layer, ExpertId(e));
  return out;
}

// Of one entry of tune.set; notes the weights that it was made on.
Experts experts_of(TuneJob& job, Study const& study, std::string const& asked) {
  auto const& control = study.tune.control;
  auto const spec = parse_set(asked, Action::mask);
  auto const set = find_set(study, spec.set, "tune.set = " + asked);
  if (set.provenance.contains("weights_hash")) {
    auto const weights = set.provenance.at("weights_hash").get<std::string>();
    validate<ConfigError>(job.made_on.empty() || job.made_on == weights,
                          "tune.set = {}: the sets were made on models with other weights ({} and {}); "
                          "select both on one model",
                          job.set, job.made_on, weights);
    job.made_on = weights;
  }
  validate<ConfigError>(!set.experts.empty(), "tune.set = {}: the set is empty, so there is nothing to train",
                        asked);
  auto const all = with_controls(spec, set, control ? *control + 1 : 0);
  auto const found = std::ranges::find_if(all, [&](Condition const& one) { return one.control == control; });
  validate<ConfigError>(found != all.end(), "tune.control = {}: {} has no control of that number",
                        control.value_or(0), asked);
  return found->experts;
}

void choose(TuneJob& job, Study const& study) {
  auto const& options = study.tune;
  auto const& plan = job.model.plan;
  bool const every = std::ranges::find(options.set, all_experts) != options.set.end();
  job.set = fmt::format("{}", fmt::join(options.set, ", "));
  validate<ConfigError>(!options.set.empty(), "tune.set: it names no experts, so there is nothing to train");
  validate<ConfigError>(options.set.size() == 1 || (!every && !options.control), "tune.set = {}: {}", job.set,
                        every ? "all means every expert, beside which no set can be named"
                              : "tune.control counts the controls of one set");
  validate<ConfigError>(!every || !options.control, "tune.control: all experts have no control");
  std::set<store::ExpertKey> chosen;
  for (auto const& asked : options.set)
    for (auto const& [layer, expert] : every ? every_expert(plan) : experts_of(job, study, asked)) {
      auto const at = static_cast<std::size_t>(layer.value);
      auto const* moe = at < plan.layers.size() ? plan.layers[at].moe() : nullptr;
      validate<ConfigError>(
          moe && expert.value < moe->router.experts,
          "tune.set = {}: it holds expert {} of layer {}, which this model has not; it was made on "
          "another model",
          asked, expert.value, layer.value);
      chosen.insert({layer, expert});
    }
  job.chosen.assign(chosen.begin(), chosen.end());
  if (options.control) job.set = fmt::format("control {} of {}", *options.control, job.set);
}

void check_examples(TuneJob const& job, TuneOptions const& options) {
  std::int64_t longest = 0;
  for (auto const& example : job.examples.all) longest = std::max(longest, example.tokens());
  auto const positions = job.model.plan.positions;
  validate<ConfigError>(
      positions == 0 || longest <= positions,
      "tune.sets: the longest prompt with its reply has {} tokens, and the model was made for {} "
      "positions; make the corpus with shorter ones",
      longest, positions);
  validate<ConfigError>(
      options.warmup_steps < options.steps,
      "tune.warmup_steps = {}: tune.steps = {} would end before the learning rate has risen",
      options.warmup_steps, options.steps);
  validate<ConfigError>(options.retain == 0 || !options.retain_sets.empty() || options.retain_share == 0.5,
                        "tune.retain_share is given and tune.retain_sets is empty: no reply is kept");
}

}  // namespace

TuneJob make_tune_job(Study const& study) {
  validate<ConfigError>(
      study.model.adapter.empty(),
      "model.adapter: `tune` starts from the checkpoint itself; export the adapter, and tune what "
      "was exported");
  TuneJob job;
  static_cast<ModelInputs&>(job) = open_inputs(study);
  choose(job, study);
  job.examples = find_examples(job.corpus, study.tune);
  check_examples(job, study.tune);
  job.units.push_back({{"adapter.h5"}, 0, study.tune.steps});
  auto resolved = job.resolved();
  resolved["experts"] = nlohmann::ordered_json::array();
  for (auto const& [layer, expert] : job.chosen) resolved["experts"].push_back({layer.value, expert.value});
  job.inputs = inputs_of(stage::tune, study, tune_method, resolved);
  return job;
}

}  // namespace moerae
