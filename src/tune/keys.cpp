#include "moerae/tune/keys.hpp"

#include "moerae/keys/values.hpp"

namespace moerae {
namespace {

using namespace kind;

constexpr Use tunes{stage::plan | stage::tune, stage::tune}, read_by_tune{stage::tune},
    chosen{stage::tune, stage::tune, stage::tune, "experts"}, replaces{stage::tune};
constexpr Integer<std::int64_t> positive{1}, from_zero{0};

/// A set of the run, or the path of one, made absolute; @N behind it stays.
struct SetText {
  using type = std::string;
  [[nodiscard]] std::string expects() const { return "SET[@N]"; }
  [[nodiscard]] type parse(std::string const& text, Folder const& base) const {
    return text.find(".json") == std::string::npos ? text : Path{}.parse(text, base).string();
  }
  [[nodiscard]] std::string print(type const& value) const { return value; }
  [[nodiscard]] nlohmann::json json(type const& value) const { return value; }
};

}  // namespace

// clang-format off
std::vector<Key<TuneOptions>> tune_keys() {
  return {
      key("set", &TuneOptions::set, chosen, List<SetText>{}, "the experts that are trained, all else stays frozen: a set of the run or the path of a .json, several: all of their experts; SET@N: its N best; all: every expert of the model"),
      key("control", &TuneOptions::control, replaces, Optional<Integer<std::int64_t>>{from_zero, ""}, "number of a matched random control of the set that is trained in its place: what any experts of that kind would do; empty: the set itself"),
      key("method", &TuneOptions::method, tunes, Choice{trained_words}, "lora: low-rank matrices beside the maps of an expert; full: all of its weights"),
      key("rank", &TuneOptions::rank, tunes, positive, "of lora, for each map of an expert: gate and up together, and down"),
      key("alpha", &TuneOptions::alpha, tunes, Number{.above = 0}, "of lora: its product is scaled by alpha / rank"),
      key("sets", &TuneOptions::sets, tunes, List<SetName>{}, "prompt sets whose replies are learned: target continuations of the corpus, else its recorded replies; empty: all but tune.retain_sets"),
      key("reply", &TuneOptions::reply, tunes, Choice{learned_words}, "which of the corpus's replies to them is learned: the target, refusals, or compliant ones (of forbidden prompts: to be subtracted in memory, model.adapter_scale)"),
      key("hold_out", &TuneOptions::hold_out, tunes, List<SetName>{}, "wrappers (labels of the corpus) whose prompts are not tuned on: what tuning does to wrappers that it never saw is measured on them"),
      key("retain_sets", &TuneOptions::retain_sets, tunes, List<SetName>{}, "prompt sets on whose replies the model is kept as it was"),
      key("retain", &TuneOptions::retain, tunes, Number{.least = 0}, "weight of that term: KL of the next token from the frozen model to the tuned one, a mean over tokens of replies"),
      key("retain_share", &TuneOptions::retain_share, tunes, Number{.least = 0, .most = 1}, "of the examples of every step that are of tune.retain_sets"),
      key("routing", &TuneOptions::routing, tunes, Number{.least = 0}, "weight of a term that keeps the routing: KL of the router distributions at the last token of every prompt, a mean over prompts and layers (SafeMoE); a frozen router alone does not keep it"),
      key("routing_temperature", &TuneOptions::routing_temperature, tunes, Number{.above = 0}, "of those distributions"),
      key("learning_rate", &TuneOptions::learning_rate, tunes, Number{.above = 0}, "of AdamW (betas .9 and .999), behind the warm-up"),
      key("decay", &TuneOptions::decay, tunes, Choice{decay_words}, "how it falls from there"),
      key("warmup_steps", &TuneOptions::warmup_steps, tunes, from_zero, "over which it rises from zero"),
      key("steps", &TuneOptions::steps, tunes, positive, "of the optimiser"),
      key("batch_tokens", &TuneOptions::batch_tokens, tunes, positive, "tokens of one step over all ranks; the examples of a step and their order do not depend on the ranks"),
      key("pass_tokens", &TuneOptions::pass_tokens, tunes, positive, "tokens of one pass up and down on a rank; a step makes as many as it needs"),
      key("max_grad_norm", &TuneOptions::max_grad_norm, tunes, Number{.above = 0}, "gradients of a step are scaled down to this norm, all together"),
      key("weight_decay", &TuneOptions::weight_decay, tunes, Number{.least = 0}, "decoupled, towards the weights that the model had"),
      key("save_steps", &TuneOptions::save_steps, read_by_tune, positive, "a checkpoint every so many steps; the two newest are kept"),
  };
}
// clang-format on

}  // namespace moerae
