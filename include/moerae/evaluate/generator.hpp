#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "moerae/evaluate/options.hpp"
#include "moerae/model/expert_space.hpp"
#include "moerae/model/intervention/edit.hpp"
#include "moerae/model/sampler.hpp"
#include "moerae/model/schedule/resident.hpp"

namespace moerae {

class KvCache;

/// A prompt to be answered under a condition.
struct ReplyRequest {
  std::span<std::uint32_t const> prompt;  ///< outlives the generation
  std::uint64_t prompt_id = 0;
  std::int64_t condition = 0;  ///< row of the tables of the edits
};

enum class Finish : std::uint8_t { stop = 0, length = 1 };
inline constexpr std::array<std::string_view, 2> finish_names = {"stop", "length"};

/// The reply to one request, with the routing of the prompt and of every token of the reply.
struct Reply {
  std::vector<std::uint32_t> tokens;  ///< [n], the token that ended it included
  Finish finish = Finish::length;
  std::vector<std::uint16_t> experts;  ///< [prompt + n, L, k]
  std::vector<float> weights;          ///< [prompt + n, L, k]
  /// Taken over from the base condition, whose record has its routing; there is none here.
  [[nodiscard]] bool kept() const { return experts.empty(); }
};

/// How replies are made: the same for all requests of a generator.
struct ReplyRules {
  std::vector<std::uint32_t> stop;  ///< ids that end a reply
  std::int64_t max_new_tokens = 0;
  SamplingOptions sampling;
  Phase phase = Phase::both;
  std::int64_t batch_tokens = 0;  ///< of a pass; a longer prompt has a pass of its own
  int slots = 0;                  ///< sequences at once
};

/// Answers requests by continuous batching: every pass takes one token of each sequence that is under way
/// and, while slots are free, the whole prompts of new ones; a sequence that ends gives its slot to the next.
/// Its last token is fed as well, so that the routing of a reply is that of the same tokens teacher-forced.
/// What is in which pass follows from the requests alone.
class Generator {
 public:
  /// `model` and `cache`, with `rules.slots` slots for the longest request and its reply, outlive it.
  Generator(ResidentModel model, KvCache& cache, ExpertSpace space, ReplyRules rules);

  /// Starts on these requests; those before must be finished. `edits` [layers] outlive the generation.
  void begin(std::vector<ReplyRequest> requests, std::vector<RouterEdit> const& edits);
  [[nodiscard]] bool finished() const { return next_ == requests_.size() && active_.empty(); }
  /// One pass; with nothing left it takes part with zero rows. Collective over the expert group.
  void step();
  /// In the order of the requests.
  [[nodiscard]] std::vector<Reply> const& replies() const { return replies_; }

 private:
  struct Active {
    std::size_t request;
    int slot;
    std::int64_t reached = 0;  ///< positions in the cache
    std::int64_t rows = 0;     ///< of the pass under way
    bool ended = false;        ///< the last token is chosen, and to be fed
  };
  class Trace;

  void admit();
  [[nodiscard]] Rows rows() const;
  void choose(torch::Tensor const& hidden);
  void retire();

  ResidentModel model_;
  KvCache& cache_;
  ExpertSpace space_;
  ReplyRules rules_;
  std::vector<RouterEdit> const* edits_ = nullptr;
  std::vector<ReplyRequest> requests_;
  std::vector<Reply> replies_;
  std::size_t next_ = 0;   // request to be admitted
  std::vector<int> free_;  // slots, the lowest last
  std::vector<Active> active_;
};

}  // namespace moerae
