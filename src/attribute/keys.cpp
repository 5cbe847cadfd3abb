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
      key("criteria", &AttributeOptions::criteria, attributes, List<Choice<Causal, causal_words.size()>>{{causal_words}}, "how the part of an expert in the refusal margin is found: mask_attribution, exact inside its layer and linear downstream, one pass up and down for all; single_mask, measured with every expert masked by itself, a pass for each"),
      key("phase", &AttributeOptions::phase, attributes, Choice{phase_words}, "tokens that masks act on: before the opening of a reply, of the opening, both"),
      key("sets", &AttributeOptions::sets, attributes, List<SetName>{}, "prompt sets whose margins are taken; empty: all"),
      key("split", &AttributeOptions::split, attributes, Choice{all_splits}, "`reduce` selects experts on discovery"),
      key("batch_tokens", &AttributeOptions::batch_tokens, attributes, positive, "tokens of one forward pass, openings included"),
      key("shard_prompts", &AttributeOptions::shard_prompts, attributes, positive, "prompts of one file, the unit that is committed and resumed"),
  };
}
// clang-format on

}  // namespace moerae
