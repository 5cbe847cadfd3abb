#include "moerae/corpus/corpus.hpp"

#include <algorithm>

#include "moerae/base/check.hpp"

namespace moerae {

std::string_view Labels::name(std::size_t prompt) const {
  auto const index = code.at(prompt);
  return index < 0 ? std::string_view() : categories[static_cast<std::size_t>(index)];
}

PositionClass position_class(Corpus const& corpus, std::size_t prompt, std::int64_t position) {
  expect(prompt < corpus.size() && position >= 0 && position < corpus.length(prompt),
         "position {} of prompt {} does not exist", position, prompt);
  auto const token = corpus.offset[prompt] + position;
  if (token >= corpus.response_offset[prompt]) return PositionClass::response;
  auto const [first, end] = corpus.content_offset[prompt];
  return token >= first && token < end ? PositionClass::prompt : PositionClass::template_text;
}

PromptGroup PromptGroup::named(std::string const& name) {
  auto const at = name.find('@');
  return at == std::string::npos ? PromptGroup{name} : PromptGroup{name.substr(0, at), name.substr(at + 1)};
}

bool PromptGroup::holds(Corpus const& corpus, std::size_t prompt) const {
  return corpus.set.name(prompt) == set && corpus.split[prompt] == split &&
         (outcome.empty() || corpus.outcome.code.empty() || corpus.outcome.name(prompt) == outcome);
}

void check_vocabulary(Corpus const& corpus, std::int64_t vocabulary) {
  auto const check = [&](std::span<std::uint32_t const> tokens, std::size_t prompt, std::string_view where) {
    auto const foreign = std::ranges::find_if(tokens, [&](std::int64_t id) { return id >= vocabulary; });
    validate<DataError>(
        foreign == tokens.end(),
        "{}: prompt id {}, {} {}: token {} is outside the vocabulary of the model ({} entries); "
        "the corpus was made with another tokenizer, make it anew with that of this model",
        corpus.path.string(), corpus.prompt_id[prompt], where, foreign - tokens.begin(),
        foreign == tokens.end() ? 0 : *foreign, vocabulary);
  };
  if (!corpus.has_tokens) return;
  for (std::size_t prompt = 0; prompt < corpus.size(); ++prompt)
    check(corpus.tokens_of(prompt), prompt, "position");
  for (std::size_t i = 0; i < corpus.continuations.size(); ++i)
    check(corpus.continuations.tokens_of(i), static_cast<std::size_t>(corpus.continuations.prompt[i]),
          "position of a continuation");
}

}  // namespace moerae
