#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moerae {

/// Class of a position; the order is that of the axis `class` of the record.
enum class PositionClass : std::uint8_t { template_text = 0, prompt = 1, response = 2 };
inline constexpr std::array<std::string_view, 3> position_class_names = {"template", "prompt", "response"};

/// One label per prompt.
struct Labels {
  std::vector<std::int32_t> code;       ///< index into categories, -1 unknown
  std::vector<std::string> categories;  ///< distinct
  /// Empty where unknown.
  [[nodiscard]] std::string_view name(std::size_t prompt) const;
};

/// By hash of the cluster. Experts are selected on `discovery` alone, judged on the others.
enum class Split : std::uint8_t { discovery = 0, validation = 1, test = 2 };
inline constexpr std::array<std::string_view, 3> split_names = {"discovery", "validation", "test"};

/// Replies to be teacher-forced after a prompt: what it should answer, openings of a refusal, of an answer.
enum class ContinuationKind : std::uint8_t { target = 0, refuse = 1, comply = 2 };
inline constexpr std::array<std::string_view, 3> continuation_names = {"target", "refuse", "comply"};

/// Entries offset[i] .. offset[i+1]-1.
[[nodiscard]] inline std::span<std::uint32_t const> part_of(std::span<std::uint32_t const> tokens,
                                                            std::span<std::int64_t const> offset,
                                                            std::size_t i) {
  return tokens.subspan(static_cast<std::size_t>(offset[i]),
                        static_cast<std::size_t>(offset[i + 1] - offset[i]));
}

/// N replies of a corpus, M tokens together; every one has a token.
struct Continuations {
  std::vector<std::uint32_t> tokens;   ///< [M]
  std::vector<std::int64_t> offset;    ///< [N+1], 0 .. M, rising; {0} where there are none
  std::vector<std::int64_t> prompt;    ///< [N], index of the prompt, ascending
  std::vector<ContinuationKind> kind;  ///< [N]

  [[nodiscard]] std::size_t size() const { return prompt.size(); }
  [[nodiscard]] std::span<std::uint32_t const> tokens_of(std::size_t i) const {
    return part_of(tokens, offset, i);
  }
};

/// corpus.h5 in memory. P prompts, T tokens; a prompt is meant by its index 0..P-1 everywhere but in
/// prompt_id.
struct Corpus {
  std::filesystem::path path;
  std::string content_hash;                   ///< of the file, see store/content_hash.hpp
  std::string tokenizer_hash;                 ///< empty where the file has none
  bool has_tokens = false;                    ///< false: imported traces, lengths only
  std::vector<std::uint64_t> prompt_id;       ///< [P], unique
  std::vector<std::uint32_t> tokens;          ///< [T], or empty
  std::vector<std::int64_t> offset;           ///< [P+1], 0 .. T, rising
  std::vector<std::int64_t> response_offset;  ///< [P], into tokens; offset[p+1] where there is none
  std::vector<std::array<std::int64_t, 2>> content_offset;  ///< [P], user's text: first and past the end
  Labels set, topic, domain, wrapper, label;
  std::vector<std::int64_t> cluster;  ///< [P], one goal with its wrappers and its benign twin
  std::vector<std::int64_t> pair;     ///< [P], -1 none; at most once per set
  std::vector<Split> split;           ///< [P], the same for all prompts of a cluster
  Continuations continuations;
  /// What the model made of each prompt, once its replies are judged (outcome_words; -1: not known). Not of
  /// the file; no codes: nothing is judged yet.
  Labels outcome;

  [[nodiscard]] std::size_t size() const { return prompt_id.size(); }
  [[nodiscard]] std::int64_t length(std::size_t prompt) const { return offset[prompt + 1] - offset[prompt]; }
  /// Not of a corpus without tokens.
  [[nodiscard]] std::span<std::uint32_t const> tokens_of(std::size_t prompt) const {
    return part_of(tokens, offset, prompt);
  }
};

/// What became of a prompt, as groups (SET@refused) and tables of refusal name it.
inline constexpr std::array<std::string_view, 4> outcome_words = {"refused", "complied", "broken", "other"};

/// Prompts that are looked at together: those of one set in one split, or of them those with one outcome.
struct PromptGroup {
  std::string set;
  std::string outcome = {};  ///< empty: any
  Split split = Split::discovery;

  /// SET or SET@OUTCOME.
  [[nodiscard]] static PromptGroup named(std::string const& name);
  /// Before anything is judged (Corpus::outcome) every prompt of the set stands for those of its outcomes.
  [[nodiscard]] bool holds(Corpus const& corpus, std::size_t prompt) const;
};

/// Reads and validates. DataError names the file, the field, the index, the value and the expectation. Not
/// collective: every rank reads.
[[nodiscard]] Corpus read_corpus(std::filesystem::path const& path);

/// Class of input position `position`, counted from the start of the prompt's row: response from
/// response_offset on, prompt inside content_offset, template elsewhere.
[[nodiscard]] PositionClass position_class(Corpus const& corpus, std::size_t prompt, std::int64_t position);

/// DataError naming prompt id, position, token id and vocabulary size unless all ids of prompts and
/// continuations are below `vocabulary`.
void check_vocabulary(Corpus const& corpus, std::int64_t vocabulary);

}  // namespace moerae
