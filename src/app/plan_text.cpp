#include "app/plan_text.hpp"

#include <algorithm>
#include <filesystem>

#include "moerae/attribute/openings.hpp"
#include "moerae/base/check.hpp"
#include "moerae/model/load_weights.hpp"
#include "moerae/record/shard_bytes.hpp"
#include "moerae/tune/examples.hpp"

namespace moerae {
namespace {

std::string bytes(std::int64_t n) {
  double value = static_cast<double>(n);
  for (auto const* unit : {"B", "KiB", "MiB", "GiB"}) {
    if (value < 1024) return fmt::format("{:.{}f} {}", value, value < 10 && *unit != 'B' ? 1 : 0, unit);
    value /= 1024;
  }
  return fmt::format("{:.1f} TiB", value);
}

class Table {
 public:
  void line(char const* name, std::string const& value) { text_ += fmt::format("{:<22}{}\n", name, value); }
  [[nodiscard]] std::string const& text() const { return text_; }

 private:
  std::string text_;
};

std::string attention_text(AttentionSpec const& a) {
  auto const heads = a.latent ? fmt::format("{} heads on a latent of {}", a.heads, a.latent->kv_rank)
                              : fmt::format("{} heads, {} for keys and values", a.heads, a.kv_heads);
  return fmt::format("{}, of {}{}{}", heads, a.head_dim,
                     a.window ? fmt::format(", window {}", *a.window) : "", a.sinks ? ", with sinks" : "");
}

std::string router_text(RouterSpec const& r) {
  auto const groups = r.groups > 1 ? fmt::format(" in the best {} of {} groups", r.top_groups, r.groups) : "";
  return fmt::format("top {} of {} experts{}{}{}", r.top_k, r.experts, groups,
                     r.correction_bias ? ", with correction bias" : "",
                     r.renormalise ? ", renormalised" : "");
}

std::string quantisation_text(ModelPlan const& plan) {
  auto const& how = plan.quantisation;
  if (!how.obstacle.empty()) return how.obstacle + " (unless its tensors are plain)";
  bool const packed = stays_packed(how.packing) || plan.names.experts == ExpertLayout::mxfp4;
  return fmt::format("{}; experts {}", how.method,
                     packed ? "stay packed in memory" : "are unpacked when read");
}

}  // namespace

std::string describe_model(Study const& study, ModelPlan const& plan, std::string const& dtype) {
  Table table;
  auto const count = count_parameters(plan);
  table.line("model", fmt::format("{} ({}), computed in {}", study.model.path.string(), plan.family, dtype));
  table.line("parameters",
             fmt::format("{} in all ({} without embeddings), {} active per token ({} without embeddings)",
                         count.total, count.total - count.embeddings, count.active,
                         count.active - count.embeddings));
  table.line("layers",
             fmt::format("{}, of them {} Mixture-of-Experts", plan.layers.size(), plan.moe_layers().size()));
  table.line("router", router_text(plan.router()));
  table.line("attention", attention_text(plan.layers.front().attention));
  if (!plan.quantisation.method.empty()) table.line("stored as", quantisation_text(plan));
  table.line("weights per rank", bytes(resident_bytes(plan, dtype == "bfloat16" ? 2 : 4, study.grid.expert)));
  return table.text();
}

std::string describe_work(Study const& study, RecordJob const& job, int ranks) {
  Table table;
  auto const size = shard_bytes(job.space, static_cast<std::int64_t>(job.selected.size()), job.tokens(),
                                study.record, job.precision);
  auto const bundles = run::open_bundles(job.units, {}, study.grid.expert);
  std::int64_t longest = 0;
  for (auto const& shard : job.shards)
    for (auto const& batch : shard.batches) longest = std::max(longest, batch.tokens);
  table.line("checkpoint", bytes(job.model.checkpoint.bytes()));
  table.line("corpus", fmt::format("{}: {} prompts, {} tokens, longest batch {} tokens",
                                   study.corpus.path.string(), job.selected.size(), job.tokens(), longest));
  table.line("work", fmt::format("{} shards in {} bundles of {}", job.shards.size(), bundles.size(),
                                 study.grid.expert));
  if (ranks % study.grid.expert == 0) {
    auto const groups = ranks / study.grid.expert;
    table.line("grid", fmt::format("{} rank(s) = {} data x {} expert; at most {} bundles a group", ranks,
                                   groups, study.grid.expert,
                                   (bundles.size() + static_cast<std::size_t>(groups) - 1) /
                                       static_cast<std::size_t>(groups)));
  } else {
    table.line("grid", fmt::format("{} rank(s): not a multiple of grid.expert = {}; record would refuse",
                                   ranks, study.grid.expert));
  }
  table.line("record per rank",
             fmt::format("up to {} for one shard in memory",
                         bytes(largest_shard_in_memory(job.space, job.shards, study.record))));
  table.line("to be written",
             fmt::format("{} before compression: usage {}, routing {}, logits {}", bytes(size.total()),
                         bytes(size.usage), bytes(size.routing), bytes(size.logits)));
  return table.text();
}

std::string describe_attribution(Study const& study, AttributeJob const& job) {
  Table table;
  std::int64_t tokens = 0;
  for (auto const p : job.selected) tokens += margin_tokens(job.corpus, p);
  std::string passes;
  for (auto const which : study.attribute.criteria)
    passes +=
        fmt::format("; {}: {}", word_of(causal_words, which),
                    which == Causal::mask_attribution ? std::string("one pass up and down")
                    : which == Causal::single_mask    ? fmt::format("{} passes", job.space.size() + 1)
                                                      : fmt::format("{} passes", study.attribute.passes + 1));
  table.line(
      "attribute",
      fmt::format("{} prompts of the {} split with both kinds of openings, {} without; {} tokens a pass{}",
                  job.selected.size(), split_names[static_cast<std::size_t>(study.attribute.split)],
                  job.left_out, tokens, passes));
  return table.text();
}

std::string describe_replies(Study const& study, EvaluateJob const& job) {
  Table table;
  table.line(
      "evaluate",
      fmt::format("{} prompts of the {} split, none and {} condition(s), each with up to {} "
                  "matched controls; at most {} new tokens",
                  job.selected.size(), split_names[static_cast<std::size_t>(study.evaluate.split)],
                  study.evaluate.conditions.size(), study.evaluate.controls, job.rules.max_new_tokens));
  table.line("evaluate per rank",
             fmt::format("{} of cache for {} sequences of {} positions", bytes(job.cache_bytes()),
                         job.rules.slots, job.slots().front()));
  return table.text();
}

std::string describe_training(Study const& study, ModelInputs const& inputs) {
  auto const& options = study.tune;
  auto const found = find_examples(inputs.corpus, options);
  std::int64_t tokens = 0, kept = 0;
  for (auto const& example : found.all) {
    tokens += example.tokens();
    kept += example.retain ? 1 : 0;
  }
  auto const total = static_cast<std::int64_t>(found.all.size());
  Table table;
  table.line("tune",
             fmt::format("{} replies to learn and {} to keep, {} prompts without; {} tokens; {} steps of {} "
                         "tokens",
                         total - kept, kept, found.left_out, tokens, options.steps, options.batch_tokens));
  auto const& plan = inputs.model.plan;
  auto const inner =
      plan.layers[static_cast<std::size_t>(plan.moe_layers().front().value)].moe()->intermediate;
  auto const parameters = options.method == Trained::full ? 3 * inner * plan.hidden
                                                          : options.rank * (2 * plan.hidden + 3 * inner);
  table.line("tune per expert", fmt::format("{} trained parameters, {} with gradient and optimiser",
                                            parameters, bytes(parameters * 16)));
  return table.text();
}

}  // namespace moerae
