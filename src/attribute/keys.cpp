#include "moerae/attribute/keys.hpp"

#include "moerae/keys/values.hpp"

namespace moerae {
namespace {

using namespace kind;

constexpr Use attributes{stage::plan | stage::attribute, stage::attribute};
constexpr Integer<std::int64_t> positive{1};

}  // namespace

// clang-format off
std::vector<Key<AttributeOptions>> attribute_keys() {
  return {
      key("criteria", &AttributeOptions::criteria, attributes, List<Choice<Causal, causal_words.size()>>{{causal_words}}, "how the part of an expert in the refusal margin is found: mask_attribution, exact inside its layer and linear downstream, one pass up and down for all; single_mask, measured with every expert masked by itself, a pass for each; random_mask, a randomised experiment with many masked at once, which also finds experts that back each other up"),
      key("phase", &AttributeOptions::phase, attributes, Choice{phase_words}, "tokens that masks act on: before the opening of a reply, of the opening, both"),
      key("sets", &AttributeOptions::sets, attributes, List<SetName>{}, "prompt sets whose margins are taken; empty: all"),
      key("split", &AttributeOptions::split, attributes, Choice{all_splits}, "`reduce` selects experts on discovery"),
      key("passes", &AttributeOptions::passes, attributes, Integer<std::int64_t>{2}, "of random_mask for every prompt, each with other experts masked"),
      key("rho", &AttributeOptions::rho, attributes, List<Number>{{.above = 0, .most = 0.5}}, "of random_mask: the chance of an expert to be masked; several are taken in turn"),
      key("seed", &AttributeOptions::seed, attributes, Integer<std::uint64_t>{0}, "of the masks of random_mask"),
      key("super_experts", &AttributeOptions::super_experts, attributes, Flag{}, "random_mask masks super experts, too, without which a model is damaged whatever it is asked; false: it leaves out those that the record names"),
      key("batch_tokens", &AttributeOptions::batch_tokens, attributes, positive, "tokens of one forward pass, openings included"),
      key("shard_prompts", &AttributeOptions::shard_prompts, attributes, positive, "prompts of one file, the unit that is committed and resumed"),
  };
}
// clang-format on

}  // namespace moerae
