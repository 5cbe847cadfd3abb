#include "moerae/evaluate/keys.hpp"

#include "moerae/base/check.hpp"
#include "moerae/keys/values.hpp"

namespace moerae {
namespace {

using namespace kind;

constexpr Use evaluates{stage::plan | stage::evaluate, stage::evaluate}, read_by_evaluate{stage::evaluate};
constexpr Integer<std::int64_t> positive{1};

/// A condition; the path of a set is made absolute.
struct ConditionText {
  using type = ConditionSpec;
  [[nodiscard]] std::string expects() const { return "ACTION:SET"; }
  [[nodiscard]] type parse(std::string const& text, Folder const& base) const {
    try {
      auto spec = parse_condition(text);
      if (spec.set.ends_with(".json")) spec.set = Path{}.parse(spec.set, base).string();
      return spec;
    } catch (ConfigError const& error) {
      throw BadValue(error.what());
    }
  }
  [[nodiscard]] std::string print(type const& value) const { return value.text(); }
  [[nodiscard]] nlohmann::json json(type const& value) const { return value.text(); }
};

}  // namespace

// clang-format off
std::vector<Key<EvaluateOptions>> evaluate_keys() {
  return {
      key("conditions", &EvaluateOptions::conditions, read_by_evaluate, List<ConditionText>{}, "what is done to the experts of a set, each beside its controls: mask:SET, steer+:SET, steer-:SET, force:SET, scale=FACTOR:SET; SET@N: its N best; SET is a set of the run or the path of a .json; none is always there"),
      key("preset", &EvaluateOptions::preset, read_by_evaluate, Word{{"", "paper"}}, "paper: masks the groups hcdg and hrcg, in decoding only, as published for SAFEx; controls and intervals stand beside them as always"),
      key("phase", &EvaluateOptions::phase, evaluates, Choice{phase_words}, "tokens that conditions act on: before the reply, of the reply (as published for SAFEx), both"),
      key("sets", &EvaluateOptions::sets, evaluates, List<SetName>{}, "prompt sets that are answered; empty: all"),
      key("split", &EvaluateOptions::split, evaluates, Choice{evaluated_splits}, "prompts that no expert was selected on; test: for the last look; discovery: under none alone, for groups by outcome (SET@refused)"),
      key("max_new_tokens", &EvaluateOptions::max_new_tokens, evaluates, positive, "tokens of a reply at most"),
      key("temperature", &EvaluateOptions::temperature, evaluates, Number{.least = 0}, "of sampling; 0: greedy"),
      key("top_p", &EvaluateOptions::top_p, evaluates, Number{.above = 0, .most = 1}, "sampling takes the most probable tokens that together reach it"),
      key("controls", &EvaluateOptions::controls, read_by_evaluate, Integer<std::int64_t>{0}, "matched random sets of every condition, of those that `reduce` stored with its set"),
      key("reuse", &EvaluateOptions::reuse, evaluates, Flag{}, "a prompt keeps its reply of none where no token chose an expert that the condition edits and its router's rule says that this is all that counts; false: every reply is computed"),
      key("routing", &EvaluateOptions::routing, evaluates, Flag{}, "keep expert ids and gate weights of every token of prompts and replies"),
      key("keep", &EvaluateOptions::keep, read_by_evaluate, Choice{keep_words}, "what stays of replies once they are judged: labels and usage; the token ids, too; also the text, beside the label"),
      key("sequences", &EvaluateOptions::sequences, evaluates, positive, "replies under way at once on a rank; its cache is taken before the first"),
      key("batch_tokens", &EvaluateOptions::batch_tokens, evaluates, positive, "tokens of one forward pass"),
      key("shard_prompts", &EvaluateOptions::shard_prompts, evaluates, positive, "prompts of one file; they are committed and resumed with those of their condition's first controls"),
  };
}
// clang-format on

}  // namespace moerae
