#include "moerae/corpus/corpus.hpp"

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

void check_vocabulary(Corpus const& corpus, std::int64_t vocabulary) {
  for (std::size_t prompt = 0; corpus.has_tokens && prompt < corpus.size(); ++prompt) {
    for (auto token = corpus.offset[prompt]; token < corpus.offset[prompt + 1]; ++token) {
      auto const id = corpus.tokens[static_cast<std::size_t>(token)];
      validate<DataError>(
          std::int64_t{id} < vocabulary,
          "{}: prompt id {}, position {}: token {} is outside the vocabulary of the model ({} entries); "
          "the corpus was made with another tokenizer, make it anew with that of this model",
          corpus.path.string(), corpus.prompt_id[prompt], token - corpus.offset[prompt], id, vocabulary);
    }
  }
}

}  // namespace moerae
