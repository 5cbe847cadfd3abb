#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "moerae/mpi/comm.hpp"
#include "moerae/reduce/plan/options.hpp"
#include "moerae/store/provenance.hpp"

namespace moerae {

/// The method of `reduce`: raised by whoever corrects a score or a statistic, so that old results are not
/// taken for new ones.
inline constexpr int reduce_method = 2;

/// What the options come to where the study leaves it open, by the name of the key: all criteria of this
/// version (a later one may know more), the positions of SES.
[[nodiscard]] nlohmann::ordered_json resolved_inputs(ReduceOptions const& options);

struct ReduceInputs {
  std::filesystem::path run;              ///< results go here; made where missing
  std::filesystem::path from;             ///< the run whose record is reduced; empty: `run`
  std::filesystem::path record_dir;       ///< which record of it, as name or path; empty: its only one
  std::filesystem::path attribution_dir;  ///< what `attribute` found in the same run; empty: nothing
  ReduceOptions options;
  nlohmann::ordered_json inputs;  ///< what of the study the bits depend on; record, attribution and corpus
                                  ///< are added here
  store::Provenance
      provenance;  ///< of the program and the study; schema, model and stage hash are filled in here
};

struct ReduceResult {
  std::filesystem::path dir;                              ///< RUN/reduce or RUN/reduce-<hash8>
  bool nothing_new = false;                               ///< all of it was there already
  std::vector<std::pair<std::string, std::size_t>> sets;  ///< name and size
};

/// Routing to scores and expert sets: scores.h5 and sets/*.json, published atomically and listed in the
/// manifest. A changed configuration or record is reduced beside the old results; an unchanged one is not
/// repeated. Collective; the same bytes for any number of ranks. ConfigError and DataError as agreed by all
/// ranks.
ReduceResult run_reduce(mpi::Comm const& world, ReduceInputs const& in);

}  // namespace moerae
