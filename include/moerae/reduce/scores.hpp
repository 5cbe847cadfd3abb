#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "moerae/mpi/comm.hpp"
#include "moerae/reduce/groups.hpp"
#include "moerae/reduce/plan.hpp"
#include "moerae/reduce/usage_stream.hpp"
#include "moerae/store/provenance.hpp"

namespace moerae {

struct EsftScores {
  std::vector<double> token, gate;  ///< [L*K], not rounded
};

/// Every score that a plan asks for. The same on every rank.
struct Scores {
  ExpertSpace space;
  std::map<std::string, UsageTotals> totals;         ///< by set, of the whole model
  std::map<std::string, Stability> ses;              ///< by set
  std::map<std::string, std::vector<double>> usage;  ///< activation probabilities [L*K], by set
  std::map<std::string, EsftScores> esft;            ///< by set
  /// [L*K] by (criterion, "<a>-vs-<b>")
  std::map<std::pair<std::string, std::string>, std::vector<double>> contrasts;
  std::vector<SafetyGroup> groups;  ///< empty without ses.regular and ses.jailbreak
  std::vector<NoiseFloor> floors;   ///< of `groups`; empty without enough benign clusters
};

/// Collective. `usage` of the sets of the plan.
[[nodiscard]] Scores compute_scores(mpi::Comm const& comm, ReducePlan const& plan, UsageStream& usage);

/// scores.h5, not yet closed by anyone else: layout in the format description of the run directory. Rank 0
/// only.
void write_scores(std::filesystem::path const& path, Scores const& scores,
                  store::Provenance const& provenance);

[[nodiscard]] std::string versus(ContrastOptions::Pair const& pair);  ///< "<a>-vs-<b>"

}  // namespace moerae
