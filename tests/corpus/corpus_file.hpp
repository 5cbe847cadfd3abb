#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moerae/store/file.hpp"
#include "store/scratch.hpp"

namespace moerae::test {

/// A small corpus: rows of 4, 3 and 5 tokens; prompts 0 and 1 in set a and one cluster, prompt 2 in set b
/// with a response; set `none` has no prompt.
struct CorpusFile {
  std::vector<std::uint64_t> prompt_id = {7, 3, 9};
  std::vector<std::uint32_t> tokens = {0, 1, 2, 3, 0, 1, 2, 0, 1, 2, 3, 11};
  std::vector<std::int64_t> offset = {0, 4, 7, 12}, response_offset = {4, 7, 10};
  std::vector<std::int64_t> content_offset = {1, 3, 5, 7, 8, 9};
  std::vector<std::int32_t> set = {0, 0, 1};
  std::vector<std::string> sets = {"a", "b", "none"};
  std::vector<std::int64_t> cluster = {5, 5, 6}, pair = {0, -1, 0};
  std::vector<std::uint8_t> split = {0, 0, 2};
  /// continuation/: a target of prompt 0, an opening of a refusal of prompt 2
  std::vector<std::uint32_t> reply_tokens = {4, 5, 6};
  std::vector<std::int64_t> reply_offset = {0, 2, 3}, reply_prompt = {0, 2};
  std::vector<std::int32_t> reply_kind = {0, 1};
  std::string schema = "moerae.corpus/1";
  int complete = 1;
  bool has_tokens = true;
  std::string leave_out;  ///< a column

  void write(std::filesystem::path const& path) const {
    auto file = store::File::create(path);
    auto const column = [&](std::string const& name, auto const& values) {
      if (name != leave_out) file.write(name, values, {values.size()});
    };
    file.set_attribute("/", "schema", schema);
    file.set_attribute("/", "complete", complete);
    file.set_attribute("/", "tokenizer_hash", "t");
    column("prompt_id", prompt_id);
    if (has_tokens) column("tokens", tokens);
    column("offset", offset);
    column("response_offset", response_offset);
    file.write("content_offset", content_offset, {content_offset.size() / 2, 2});
    column("cluster", cluster);
    column("pair", pair);
    column("split", split);
    column("set", set);
    file.set_attribute("set", "categories", sets);
    for (auto const* const name : {"topic", "domain", "wrapper", "label"}) {
      column(name, std::vector<std::int32_t>(prompt_id.size(), -1));
      if (name != leave_out) file.set_attribute(name, "categories", std::vector<std::string>{});
    }
    if (leave_out != "continuation") {
      column("continuation/tokens", reply_tokens);
      column("continuation/offset", reply_offset);
      column("continuation/prompt", reply_prompt);
      column("continuation/kind", reply_kind);
    }
    file.close();
  }
};

}  // namespace moerae::test
