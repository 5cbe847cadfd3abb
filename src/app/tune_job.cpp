#include "app/tune_job.hpp"

#include <algorithm>

#include "app/find_set.hpp"
#include "app/options/inputs.hpp"
#include "moerae/base/check.hpp"

namespace moerae {
namespace {

void choose(TuneJob& job, Study const& study) {
  auto const& options = study.tune;
  auto const spec = parse_set(options.set, Action::mask);
  auto const set = find_set(study, spec.set, "tune.set = " + options.set);
  if (set.provenance.contains("weights_hash"))
    job.made_on = set.provenance.at("weights_hash").get<std::string>();
  validate<ConfigError>(!set.experts.empty(), "tune.set = {}: the set is empty, so there is nothing to train",
                        options.set);
  auto const wanted = options.control ? *options.control + 1 : 0;
  auto const all = with_controls(spec, set, wanted);
  auto chosen =
      std::ranges::find_if(all, [&](Condition const& one) { return one.control == options.control; });
  validate<ConfigError>(chosen != all.end(), "tune.control = {}: {} has no control of that number",
                        options.control.value_or(0), options.set);
  job.set = options.control ? fmt::format("control {} of {}", *options.control, options.set) : options.set;
  for (auto const& [layer, expert] : chosen->experts) {
    auto const at = static_cast<std::size_t>(layer.value);
    auto const* moe = at < job.model.plan.layers.size() ? job.model.plan.layers[at].moe() : nullptr;
    validate<ConfigError>(
        moe && expert.value < moe->router.experts,
        "tune.set = {}: it holds expert {} of layer {}, which this model has not; it was made on "
        "another model",
        options.set, expert.value, layer.value);
    job.chosen.push_back({layer, expert});
  }
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
