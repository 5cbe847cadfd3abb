#pragma once

#include <functional>
#include <vector>

#include "app/record_job.hpp"
#include "moerae/model/schedule/resident.hpp"
#include "moerae/record/recorder.hpp"
#include "moerae/run/drive.hpp"

namespace moerae {

/// This rank's walk through the bundles of its group, one batch a step.
class RecordWork final : public run::Work {
 public:
  /// `bundles`: the share of the group, whose `member` this rank is. `publish` is called with every shard
  /// that this rank has finished and that is not there yet, `after_step` after every step. References outlive
  /// it.
  struct Hooks {
    std::function<void(Shard const&, ShardRecord const&)> publish;
    std::function<void()> after_step;
  };
  RecordWork(RecordJob const& job, RecordOptions const& options, std::vector<run::Bundle> bundles, int member,
             ResidentModel const& model, Hooks hooks);

  [[nodiscard]] bool finished() const override { return bundle_ == bundles_.size(); }
  void step() override;
  void idle() override { hooks_.after_step(); }

 private:
  void walk(Rows const& rows, LayerTap* tap) const;

  RecordJob const& job_;
  std::vector<run::Bundle> bundles_;
  std::size_t member_;
  ResidentModel const& model_;
  Hooks hooks_;
  Recorder recorder_;
  std::size_t bundle_ = 0, batch_ = 0;
};

}  // namespace moerae
