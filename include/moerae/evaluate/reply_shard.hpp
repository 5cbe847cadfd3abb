#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "moerae/corpus/corpus.hpp"
#include "moerae/evaluate/base_replies.hpp"
#include "moerae/evaluate/condition.hpp"
#include "moerae/evaluate/generator.hpp"
#include "moerae/store/provenance.hpp"

namespace moerae {

/// What the files of one stage have in common.
struct ReplyFormat {
  ExpertSpace space;
  bool routing = false;   ///< keep expert ids and gate weights of every token
  std::string precision;  ///< of weights: float16 | float32
};

/// Publishes the replies to some prompts of a corpus under one condition: the layout of a record shard, whose
/// class `response` is the reply made, with reply/{tokens, offset, finish} beside it and the condition as a
/// JSON attribute. replies[i] answers the prompt prompts[i]; `base` has the routing of those that are kept,
/// and is null where none is. Throws Error.
void write_reply_shard(std::filesystem::path const& path, Corpus const& corpus,
                       std::span<std::size_t const> prompts, std::span<Reply const* const> replies,
                       Condition const& condition, ReplyFormat const& format,
                       store::Provenance const& provenance, BaseReplies const* base);

}  // namespace moerae
