#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "moerae/mpi/comm.hpp"
#include "moerae/store/provenance.hpp"
#include "reduce/plan/plan.hpp"
#include "reduce/replication/replication.hpp"
#include "reduce/significance/permutation.hpp"
#include "reduce/stability/groups.hpp"
#include "reduce/topic_behaviour/topic_counts.hpp"
#include "reduce/usage/usage_interval.hpp"
#include "reduce/usage/usage_stream.hpp"

namespace moerae {

struct EsftScores {
  std::vector<double> token, gate;  ///< [L*K], not rounded
};

/// One criterion for one comparison.
struct ContrastScores {
  std::vector<double> score = {};       ///< [L*K]
  std::vector<double> divergence = {};  ///< [L] nats, of js
  std::string positions = {};           ///< that were compared
  std::shared_ptr<Significance const> significance =
      nullptr;  ///< of the criterion's test; null: none asked for
};

/// Every score that a plan asks for. The same on every rank, but for `topics`.
struct Scores {
  ExpertSpace space;
  std::string model_id;
  std::vector<UsageTable> facts;                     ///< of the sets at ses.positions, without layers
  std::map<std::string, UsageTotals> totals;         ///< by set, of the whole model
  std::map<std::string, Stability> ses;              ///< by set, and by stability_name of pairs
  std::map<std::string, UsageInterval> intervals;    ///< of `usage`, by set
  std::map<std::string, std::vector<double>> usage;  ///< activation probabilities [L*K], by set
  std::map<std::string, EsftScores> esft;            ///< by set
  std::map<std::pair<std::string, std::string>, ContrastScores> contrasts;  ///< by (criterion, versus)
  std::map<std::string, TopicCounts> topics;                       ///< by versus of a pair; rank 0 only
  std::map<std::string, std::vector<ReplicationRow>> replication;  ///< by versus of a pair
  std::vector<SafetyGroup> groups;  ///< empty without ses.regular and ses.jailbreak
  std::vector<NoiseFloor> floors;   ///< of `groups`; empty without enough benign clusters
};

/// Collective.
[[nodiscard]] Scores compute_scores(mpi::Comm const& comm, ReducePlan const& plan,
                                    CheckedRecord const& record);

/// Reads each pass of the plan and adds its contrasts; then those against several sets. Collective.
void add_contrasts(mpi::Comm const& comm, ReducePlan const& plan, CheckedRecord const& record,
                   Scores& scores);

/// scores.h5, not yet closed by anyone else: layout in the format description of the run directory. Rank 0
/// only.
void write_scores(std::filesystem::path const& path, Scores const& scores,
                  store::Provenance const& provenance);

}  // namespace moerae
