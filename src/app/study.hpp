#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "moerae/attribute/options.hpp"
#include "moerae/evaluate/options.hpp"
#include "moerae/model/options.hpp"
#include "moerae/record/options.hpp"
#include "moerae/reduce/plan/options.hpp"
#include "moerae/tune/options.hpp"

namespace moerae {

struct RunOptions {
  std::filesystem::path dir;
  std::uint64_t seed = 0;
  std::filesystem::path from;        ///< another run whose record is reduced here; empty: this run's own
  std::optional<double> wall_limit;  ///< seconds after which the work stops gracefully (exit 75)
};

struct CorpusOptions {
  std::filesystem::path path;
  std::vector<std::string> sets;  ///< names; empty = all
};

/// [export]: where the replies are that say what tuning did to refusal.
struct ExportOptions {
  std::filesystem::path before;  ///< run with those of the model as it is; empty: run.dir
  std::filesystem::path after;   ///< run with those of the tuned model
};

/// The resolved study: the file, overridden by the command line. Paths are absolute.
struct Study {
  RunOptions run;
  ModelOptions model;
  GridOptions grid;
  CorpusOptions corpus;
  RecordOptions record;
  SesOptions ses;
  ContrastOptions contrast;
  ReduceStageOptions reduce;
  std::vector<SelectOptions> select;
  AttributeOptions attribute;
  EvaluateOptions evaluate;
  TuneOptions tune;
  ExportOptions exported;

  /// What `reduce` makes of it.
  [[nodiscard]] ReduceOptions for_reduce() const { return {run.seed, ses, contrast, reduce, select}; }
};

}  // namespace moerae
