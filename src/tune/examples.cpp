#include "moerae/tune/examples.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "moerae/base/check.hpp"
#include "moerae/corpus/shards.hpp"

namespace moerae {
namespace {

// By code of the wrapper.
std::vector<bool> held_out(Corpus const& corpus, std::vector<std::string> const& names) {
  auto const& known = corpus.wrapper.categories;
  std::vector<bool> out(known.size(), false);
  for (auto const& name : names) {
    auto const at = std::ranges::find(known, name);
    validate<ConfigError>(at != known.end(), "tune.hold_out: {} is no wrapper of {}; it has: {}", name,
                          corpus.path.string(), fmt::join(known, ", "));
    out[static_cast<std::size_t>(at - known.begin())] = true;
  }
  return out;
}

constexpr ContinuationKind kind_of(Learned reply) {
  switch (reply) {
    case Learned::refuse:
      return ContinuationKind::refuse;
    case Learned::comply:
      return ContinuationKind::comply;
    case Learned::target:
      break;
  }
  return ContinuationKind::target;
}

// What is kept is the target, or the recorded reply.
void add_prompt(Examples& out, Corpus const& corpus, std::size_t p, bool retain, Learned reply,
                std::vector<bool> const& held) {
  if (corpus.split[p] != Split::discovery) return;
  if (!held.empty() && corpus.wrapper.code[p] >= 0 && held[static_cast<std::size_t>(corpus.wrapper.code[p])])
    return;
  auto const before = corpus.response_offset[p] - corpus.offset[p];
  auto const had = out.all.size();
  auto const add = [&](std::optional<std::size_t> continuation, std::size_t tokens) {
    if (before > 0 && tokens > 0)
      out.all.push_back({p, continuation, retain, before, static_cast<std::int64_t>(tokens)});
  };
  auto const& more = corpus.continuations;
  auto const [first, last] = std::ranges::equal_range(more.prompt, static_cast<std::int64_t>(p));
  for (auto at = first; at != last; ++at) {
    auto const i = static_cast<std::size_t>(at - more.prompt.begin());
    if (more.kind[i] == kind_of(reply)) add(i, more.tokens_of(i).size());
  }
  if (out.all.size() == had && reply == Learned::target)
    add({}, static_cast<std::size_t>(corpus.offset[p + 1] - corpus.response_offset[p]));
  if (out.all.size() == had) ++out.left_out;
}

}  // namespace

Examples find_examples(Corpus const& corpus, TuneOptions const& options) {
  for (auto const& set : options.sets)
    validate<ConfigError>(
        std::ranges::find(options.retain_sets, set) == options.retain_sets.end(),
        "tune.sets, tune.retain_sets: '{}' is in both; its replies cannot be learned and kept as "
        "they are at once",
        set);
  std::vector<std::size_t> keep;
  if (!options.retain_sets.empty()) keep = select_prompts(corpus, options.retain_sets, "tune.retain_sets");
  auto const held = held_out(corpus, options.hold_out);
  Examples out;
  std::size_t learned = 0;
  for (auto const p : select_prompts(corpus, options.sets, "tune.sets")) {
    if (std::ranges::binary_search(keep, p)) continue;
    auto const had = out.all.size();
    add_prompt(out, corpus, p, /*retain=*/false, options.reply, held);
    learned += out.all.size() - had;
  }
  validate<ConfigError>(
      learned > 0,
      "tune.sets: no prompt of these sets in the discovery split has a reply to be learned (tune.reply = "
      "{}); give the corpus some (a column of that name in its prompt files), or recorded replies as targets",
      word_of(learned_words, options.reply));
  for (auto const p : keep) add_prompt(out, corpus, p, /*retain=*/true, Learned::target, held);
  validate<ConfigError>(
      keep.empty() || out.all.size() > learned,
      "tune.retain_sets: no prompt of these sets in the discovery split has a reply that could be "
      "kept; give the corpus targets or replies");
  std::ranges::stable_sort(out.all, {}, &Example::prompt);
  return out;
}

std::span<std::uint32_t const> reply_tokens(Corpus const& corpus, Example const& example) {
  if (example.continuation) return corpus.continuations.tokens_of(*example.continuation);
  return corpus.tokens_of(example.prompt).last(static_cast<std::size_t>(example.reply));
}

std::vector<std::uint32_t> fed_tokens(Corpus const& corpus, Example const& example) {
  auto const start = corpus.tokens_of(example.prompt).first(static_cast<std::size_t>(example.before));
  auto const reply = reply_tokens(corpus, example);
  std::vector<std::uint32_t> out(start.begin(), start.end());
  out.insert(out.end(), reply.begin(), reply.end() - 1);
  return out;
}

}  // namespace moerae
