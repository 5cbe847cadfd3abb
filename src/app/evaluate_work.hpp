#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "app/evaluate_job.hpp"
#include "moerae/evaluate/base_replies.hpp"
#include "moerae/model/cache.hpp"
#include "moerae/run/drive.hpp"

namespace moerae {

/// This rank's walk through the bundles of its group; a bundle is begun when all of the group are through
/// with the one before, so that what shares a pass is fixed by the plan.
class EvaluateWork final : public run::Work {
 public:
  /// `base_of` gives the replies of the base condition to a shard, where they may be kept: it is asked for
  /// those of other conditions. `publish` is called with the replies of every unit that this rank has
  /// finished and that is not there yet, [conditions x prompts], and the base of those that were kept;
  /// `after_step` after every step. References outlive it.
  struct Hooks {
    std::function<std::optional<BaseReplies>(std::size_t shard)> base_of;
    std::function<void(std::size_t unit, std::vector<Reply const*> const&, BaseReplies const*)> publish;
    std::function<void()> after_step;
  };
  EvaluateWork(EvaluateJob const& job, std::vector<run::Bundle> bundles, int member,
               ResidentModel const& model, Hooks hooks);

  [[nodiscard]] bool finished() const override {
    return bundle_ == bundles_.size() || (last() && generator_.finished());
  }
  [[nodiscard]] bool waiting() const override { return !last() && generator_.finished(); }
  void go_on() override;
  void step() override;
  void idle() override { hooks_.after_step(); }

 private:
  [[nodiscard]] bool last() const { return bundle_ + 1 == bundles_.size(); }
  void begin();
  void publish();

  EvaluateJob const& job_;
  std::vector<run::Bundle> bundles_;
  std::size_t member_;
  Hooks hooks_;
  KvCache cache_;
  Generator generator_;
  std::size_t bundle_ = 0;
  // of the unit under way
  std::optional<BaseReplies> base_;
  std::vector<std::size_t> asked_;     // request -> place in replies_
  std::vector<Reply const*> replies_;  // [conditions x prompts]; null: asked for
};

}  // namespace moerae
