#include <algorithm>
#include <set>
#include <unordered_map>

#include "moerae/base/check.hpp"
#include "moerae/corpus/corpus.hpp"
#include "moerae/store/content_hash.hpp"
#include "moerae/store/file.hpp"

namespace moerae {

namespace {

constexpr auto schema = "moerae.corpus/1";

/// What is wrong at one index of one field.
template <class T>
[[noreturn]] void fail(Corpus const& corpus, std::string_view field, std::size_t index, T value,
                       std::string const& expectation) {
  throw DataError(
      fmt::format("{}: {}[{}] = {}, expected {}; the rows of the corpus cannot be told apart, make it anew",
                  corpus.path.string(), field, index, value, expectation));
}

template <class T>
std::vector<T> read_column(store::File const& file, std::string const& name,
                           std::vector<std::uint64_t> const& shape) {
  auto const found = file.shape(name);
  validate<DataError>(found == shape, "{}: {} has the shape [{}], expected [{}]: one row per prompt_id",
                      file.path().string(), name, fmt::join(found, ", "), fmt::join(shape, ", "));
  return file.read<T>(name);
}

Labels read_labels(store::File const& file, Corpus const& corpus, std::string const& name) {
  Labels labels{read_column<std::int32_t>(file, name, {corpus.size()}),
                file.strings_attribute(name, "categories")};
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < labels.categories.size(); ++i) {
    if (!seen.insert(labels.categories[i]).second)
      fail(corpus, name + "@categories", i, labels.categories[i], "every category once");
  }
  auto const known = static_cast<std::int32_t>(labels.categories.size());
  for (std::size_t i = 0; i < labels.code.size(); ++i) {
    if (labels.code[i] < -1 || labels.code[i] >= known)
      fail(corpus, name, i, labels.code[i],
           fmt::format("-1 (unknown) or the index of one of {} categories", known));
  }
  return labels;
}

/// The value of an enum that a file holds as the index of its name.
template <class Enum, std::size_t n>
Enum one_of(Corpus const& corpus, std::string_view field, std::size_t index, std::int64_t code,
            std::array<std::string_view, n> const& names) {
  if (code < 0 || code >= std::int64_t{n})
    fail(corpus, field, index, code, fmt::format("0 to {}, that is {}", n - 1, fmt::join(names, ", ")));
  return static_cast<Enum>(code);
}

// Numpy's unsigned integers are as good as its signed ones; one beyond their range becomes no row of a
// prompt.
std::vector<std::int64_t> read_rows_of_prompts(store::File const& file) {
  constexpr char const* name = "continuation/prompt";
  if (file.dtype(name) != "<u8") return file.read<std::int64_t>(name);
  auto const rows = file.read<std::uint64_t>(name);
  return {rows.begin(), rows.end()};
}

Continuations read_continuations(store::File const& file, Corpus const& corpus) {
  Continuations read{{}, {0}, {}, {}};
  if (!file.has("continuation")) return read;
  auto const prompts = static_cast<std::int64_t>(corpus.size());
  read.prompt = read_rows_of_prompts(file);
  read.offset = read_column<std::int64_t>(file, "continuation/offset", {read.size() + 1});
  read.tokens = file.read<std::uint32_t>("continuation/tokens");
  auto const kinds = read_column<std::int32_t>(file, "continuation/kind", {read.size()});
  for (std::size_t i = 0; i < read.size(); ++i) {
    read.kind.push_back(
        one_of<ContinuationKind>(corpus, "continuation/kind", i, kinds[i], continuation_names));
    if (read.prompt[i] < (i == 0 ? 0 : read.prompt[i - 1]) || read.prompt[i] >= prompts)
      fail(corpus, "continuation/prompt", i, read.prompt[i],
           fmt::format("ascending rows of the corpus, 0 to {}", prompts - 1));
    if (read.offset[i + 1] <= read.offset[i])
      fail(corpus, "continuation/offset", i + 1, read.offset[i + 1],
           fmt::format("more than {}: a continuation has a token", read.offset[i]));
  }
  if (read.offset[0] != 0) fail(corpus, "continuation/offset", 0, read.offset[0], "0");
  if (read.offset.back() != static_cast<std::int64_t>(read.tokens.size()))
    fail(corpus, "continuation/offset", read.size(), read.offset.back(),
         fmt::format("{}, the number of their tokens", read.tokens.size()));
  return read;
}

void check_ids(Corpus const& corpus) {
  std::unordered_map<std::uint64_t, std::size_t> seen;
  for (std::size_t i = 0; i < corpus.size(); ++i) {
    auto const [first, added] = seen.emplace(corpus.prompt_id[i], i);
    if (!added)
      fail(corpus, "prompt_id", i, corpus.prompt_id[i],
           fmt::format("unique ids, row {} has it too", first->second));
  }
}

void check_rows(Corpus const& corpus, std::int64_t tokens) {
  if (corpus.offset[0] != 0) fail(corpus, "offset", 0, corpus.offset[0], "0");
  for (std::size_t i = 0; i < corpus.size(); ++i) {
    auto const begin = corpus.offset[i];
    auto const end = corpus.offset[i + 1];
    // also bounds every sum of lengths: no difference below can overflow
    if (end <= begin)
      fail(corpus, "offset", i + 1, end,
           fmt::format("more than offset[{}] = {}: a prompt has a token", i, begin));
    auto const response = corpus.response_offset[i];
    if (response < begin || response > end)
      fail(corpus, "response_offset", i, response,
           fmt::format("{} to {}, the row of the prompt", begin, end));
    auto const [first, last] = corpus.content_offset[i];
    if (first < begin || first > last || last > response)
      fail(corpus, "content_offset", i, fmt::format("[{}, {}]", first, last),
           fmt::format("a range inside {} to {}, the row up to its response", begin, response));
  }
  if (tokens >= 0 && corpus.offset.back() != tokens)
    fail(corpus, "offset", corpus.size(), corpus.offset.back(),
         fmt::format("{}, the number of tokens", tokens));
}

void check_groups(Corpus const& corpus) {
  std::unordered_map<std::int64_t, Split> split;
  std::set<std::pair<std::int64_t, std::int32_t>> pairs;
  for (std::size_t i = 0; i < corpus.size(); ++i) {
    auto const [first, added] = split.emplace(corpus.cluster[i], corpus.split[i]);
    if (!added && first->second != corpus.split[i])
      fail(corpus, "split", i, static_cast<int>(corpus.split[i]),
           fmt::format("{}, that of the other prompts of cluster {}", static_cast<int>(first->second),
                       corpus.cluster[i]));
    if (corpus.pair[i] < -1) fail(corpus, "pair", i, corpus.pair[i], "-1 (none) or a number from 0");
    if (corpus.pair[i] >= 0 && !pairs.emplace(corpus.pair[i], corpus.set.code[i]).second)
      fail(corpus, "pair", i, corpus.pair[i],
           fmt::format("each pair once per set, set {} has it twice", corpus.set.name(i)));
  }
}

}  // namespace

Corpus read_corpus(std::filesystem::path const& path) {
  auto const file = store::File::open(path);
  auto const found = file.string_attribute("/", "schema");
  validate<DataError>(found == schema,
                      "{}: schema {}, expected {}; give the corpus.h5 that `python -m moerae corpus` writes",
                      path.string(), found, schema);
  validate<DataError>(file.int_attribute("/", "complete") == 1, "{}: not complete; make it anew",
                      path.string());
  Corpus corpus;
  corpus.path = path;
  if (file.has_attribute("/", "tokenizer_hash"))
    corpus.tokenizer_hash = file.string_attribute("/", "tokenizer_hash");
  corpus.prompt_id = file.read<std::uint64_t>("prompt_id");
  std::uint64_t const prompts = corpus.size();
  validate<DataError>(file.shape("prompt_id").size() == 1 && prompts > 0,
                      "{}: prompt_id is not a list of one prompt or more", path.string());
  corpus.offset = read_column<std::int64_t>(file, "offset", {prompts + 1});
  corpus.response_offset = read_column<std::int64_t>(file, "response_offset", {prompts});
  auto const content = read_column<std::int64_t>(file, "content_offset", {prompts, 2});
  for (std::size_t i = 0; i < content.size(); i += 2)
    corpus.content_offset.push_back({content[i], content[i + 1]});
  corpus.cluster = read_column<std::int64_t>(file, "cluster", {prompts});
  corpus.pair = read_column<std::int64_t>(file, "pair", {prompts});
  corpus.has_tokens = file.has("tokens");
  if (corpus.has_tokens) {
    validate<DataError>(file.shape("tokens").size() == 1, "{}: tokens is not a list", path.string());
    corpus.tokens = file.read<std::uint32_t>("tokens");
  }
  check_ids(corpus);
  check_rows(corpus, corpus.has_tokens ? static_cast<std::int64_t>(corpus.tokens.size()) : -1);
  for (auto const& [name, labels] : {std::pair{"set", &Corpus::set},
                                     {"topic", &Corpus::topic},
                                     {"domain", &Corpus::domain},
                                     {"wrapper", &Corpus::wrapper},
                                     {"label", &Corpus::label}}) {
    corpus.*labels = read_labels(file, corpus, name);
  }
  for (auto const code : read_column<std::uint8_t>(file, "split", {prompts}))
    corpus.split.push_back(one_of<Split>(corpus, "split", corpus.split.size(), code, split_names));
  check_groups(corpus);
  corpus.continuations = read_continuations(file, corpus);
  corpus.content_hash = store::content_hash(path);
  return corpus;
}

}  // namespace moerae
