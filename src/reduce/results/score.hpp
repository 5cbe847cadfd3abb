#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "moerae/model/expert_space.hpp"
#include "moerae/mpi/comm.hpp"
#include "reduce/plan/plan.hpp"
#include "reduce/replication/replication.hpp"
#include "reduce/significance/permutation.hpp"
#include "reduce/stability/stability.hpp"
#include "reduce/topic_behaviour/topic_counts.hpp"
#include "reduce/usage/usage_interval.hpp"
#include "reduce/usage/usage_stream.hpp"

namespace moerae {

/// What one criterion says of every expert: a row, whoever made it.
struct Score {
  std::string criterion;
  std::string of;                      ///< the prompt set, or versus of the groups
  std::string positions;               ///< that were looked at
  std::vector<double> values;          ///< [L*K]
  std::vector<double> chosen_by = {};  ///< [L*K] what sets are chosen by and hold, where it is not `values`
  std::vector<std::size_t> members = {};  ///< what the criterion itself selects, ascending
  bool only_members = false;              ///< no other expert can be in a set
  bool signs = false;                     ///< below 0 is the other way round: a contrast
  std::vector<double> divergence = {};    ///< [L] nats
  std::string stored = {};  ///< dataset in scores.h5; empty: contrast/<criterion>/<of>, or not stored
  std::shared_ptr<Stability const> frequency = nullptr;  ///< what the values are frequencies of
  std::shared_ptr<Significance const> significance = nullptr;
  nlohmann::ordered_json rule = {};  ///< of a selection: provenance of its sets
  nlohmann::ordered_json evidence = nlohmann::ordered_json::object();  ///< of every set chosen by it
};

/// Usage of one prompt set at ses.positions.
struct SetUse {
  UsageTable facts;  ///< without layers
  UsageTotals total = {};
  UsageInterval interval = {};  ///< of the activation probability; empty: not asked for
};

/// Every score that a plan asks for. The same on every rank, but for `topics`.
struct Scores {
  ExpertSpace space;
  std::string model_id;
  std::vector<double> largest = {};      ///< [L*K] of the record; empty: not recorded
  std::vector<std::size_t> supers = {};  ///< super experts, ascending indices [L*K]
  std::map<std::string, SetUse> sets = {};
  std::vector<Score> rows = {};
  std::map<std::string, TopicCounts> topics = {};                       ///< by versus of a pair; rank 0 only
  std::map<std::string, std::vector<ReplicationRow>> replication = {};  ///< by versus of a pair

  /// A caller's mistake when there is none.
  [[nodiscard]] Score const& at(std::string_view criterion, std::string_view of) const;
};

/// Collective.
[[nodiscard]] Scores compute_scores(mpi::Comm const& comm, ReducePlan const& plan,
                                    CheckedRecord const& record);

/// Selection frequencies, ESFT and the safety groups: rows of one prompt set or of three. Collective.
void add_usage_scores(mpi::Comm const& comm, ReducePlan const& plan, CheckedRecord const& record,
                      Scores& scores);

/// Reads each pass of the plan and adds its contrasts; then those against several sets. Collective.
void add_contrasts(mpi::Comm const& comm, ReducePlan const& plan, CheckedRecord const& record,
                   Scores& scores);

/// The row of a selection frequency: of a prompt set, or of a contrast of two.
[[nodiscard]] Score frequency_score(std::string const& of, std::string const& positions, Stability stability);

}  // namespace moerae
