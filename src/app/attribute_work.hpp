#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "app/attribute_job.hpp"
#include "moerae/attribute/criterion.hpp"
#include "moerae/run/drive.hpp"
#include "moerae/store/attributions.hpp"

namespace moerae {

/// This rank's walk through the bundles of its group, one criterion after the other on each: all of the group
/// are at the same criterion of the same bundle.
class AttributeWork final : public run::Work {
 public:
  /// `publish` is called with what was found of every shard that this rank has finished and that is not there
  /// yet, `after_step` after every step. References outlive it.
  struct Hooks {
    std::function<void(std::size_t unit, store::Attributed const&)> publish;
    std::function<void()> after_step;
  };
  AttributeWork(AttributeJob const& job, AttributeOptions const& options, std::vector<run::Bundle> bundles,
                int member, ResidentModel const& model, Hooks hooks);

  [[nodiscard]] bool finished() const override {
    return bundles_.empty() || (last() && criterion().finished());
  }
  [[nodiscard]] bool waiting() const override { return !finished() && criterion().finished(); }
  void go_on() override;
  void step() override;
  void idle() override { hooks_.after_step(); }

 private:
  [[nodiscard]] bool last() const { return bundle_ + 1 == bundles_.size() && at_ + 1 == criteria_.size(); }
  [[nodiscard]] CausalCriterion& criterion() const { return *criteria_[at_]; }
  void begin();
  void take_found();

  AttributeJob const& job_;
  AttributeOptions const& options_;
  std::vector<run::Bundle> bundles_;
  std::size_t member_;
  Hooks hooks_;
  std::vector<std::unique_ptr<CausalCriterion>> criteria_;
  std::size_t bundle_ = 0, at_ = 0;  // the criterion that is worked on
  store::Attributed found_;          // of the part of this rank
};

}  // namespace moerae
