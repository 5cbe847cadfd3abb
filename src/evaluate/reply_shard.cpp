#include "moerae/evaluate/reply_shard.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "moerae/record/recorder.hpp"
#include "moerae/record/shard_writer.hpp"
#include "moerae/store/file.hpp"

namespace moerae {
namespace {

// The prompts with the replies that were made: what `record` would be given to see the same tokens again.
Corpus answered(Corpus const& corpus, std::span<std::size_t const> prompts,
                std::span<Reply const* const> replies) {
  Corpus out;
  out.offset = {0};
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    auto const p = prompts[i];
    auto const shift = out.offset.back() - corpus.offset[p];
    out.prompt_id.push_back(corpus.prompt_id[p]);
    out.content_offset.push_back({corpus.content_offset[p][0] + shift, corpus.content_offset[p][1] + shift});
    out.response_offset.push_back(corpus.response_offset[p] + shift);
    out.offset.push_back(out.response_offset.back() + static_cast<std::int64_t>(replies[i]->tokens.size()));
  }
  return out;
}

ShardRecord record_of(Corpus const& corpus, std::span<Reply const* const> replies, ReplyFormat const& format,
                      BaseReplies const* base) {
  std::vector<std::size_t> all(corpus.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  Recorder recorder(corpus, all, format.space, {.routing = format.routing});
  recorder.begin({ShardId(0), 0, all.size(), {}});
  auto const layers = format.space.layers.size(), k = static_cast<std::size_t>(format.space.top_k);
  std::vector<std::int64_t> experts;
  std::vector<float> weights;
  for (std::size_t i = 0; i < replies.size(); ++i) {
    if (replies[i]->kept()) continue;
    auto const rows = recorder.rows_of({i, i + 1, 0});
    auto const n = rows.cells.size();
    for (std::size_t l = 0; l < layers; ++l) {
      experts.clear();
      weights.clear();
      for (std::size_t row = 0; row < n; ++row)
        for (std::size_t j = 0; j < k; ++j) {
          experts.push_back(replies[i]->experts[(row * layers + l) * k + j]);
          weights.push_back(replies[i]->weights[(row * layers + l) * k + j]);
        }
      recorder.on_decision(rows, {LayerId(format.space.layers[l]), n, k, experts, weights, {}});
    }
  }
  auto record = recorder.record();
  for (std::size_t i = 0; i < replies.size(); ++i)
    if (replies[i]->kept()) take_over(base->record, i, record);
  return record;
}

void write_replies(store::File& file, std::span<Reply const* const> replies) {
  std::vector<std::uint32_t> tokens;
  std::vector<std::int64_t> offset{0};
  std::vector<std::uint8_t> finish;
  for (auto const* reply : replies) {
    tokens.insert(tokens.end(), reply->tokens.begin(), reply->tokens.end());
    offset.push_back(static_cast<std::int64_t>(tokens.size()));
    finish.push_back(static_cast<std::uint8_t>(reply->finish));
  }
  file.write("reply/tokens", tokens, {tokens.size()});
  file.write("reply/offset", offset, {offset.size()});
  file.write("reply/finish", finish, {finish.size()});
  file.set_attribute("reply/finish", "categories",
                     std::vector<std::string>(finish_names.begin(), finish_names.end()));
}

}  // namespace

void write_reply_shard(std::filesystem::path const& path, Corpus const& corpus,
                       std::span<std::size_t const> prompts, std::span<Reply const* const> replies,
                       Condition const& condition, ReplyFormat const& format,
                       store::Provenance const& provenance, BaseReplies const* base) {
  auto const seen = answered(corpus, prompts, replies);
  write_shard(path, record_of(seen, replies, format, base), format.precision, provenance,
              [&](store::File& file) {
                file.set_attribute("/", "condition", condition.json().dump());
                file.set_attribute("/", "replies_kept",
                                   std::ranges::count_if(replies, [](auto const* r) { return r->kept(); }));
                write_replies(file, replies);
              });
}

}  // namespace moerae
