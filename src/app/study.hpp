#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "moerae/attribute/options.hpp"
#include "moerae/base/words.hpp"
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

/// What `export` makes of an adapter.
///   merged  the whole checkpoint with the trained experts merged in
///   delta   the changed tensors alone
///   peft    a LoRA adapter as PEFT stores it
enum class ExportFormat { merged, delta, peft };
inline constexpr Words<ExportFormat, 3> export_formats{
    {{"merged", ExportFormat::merged}, {"delta", ExportFormat::delta}, {"peft", ExportFormat::peft}}};

/// [export]: what is made, and where the replies are that say what tuning did to refusal.
struct ExportOptions {
  std::vector<ExportFormat> format = {ExportFormat::merged};
  std::filesystem::path before;  ///< run, or one evaluation in it, of the model as it is; empty: run.dir
  std::filesystem::path after;   ///< the same of the tuned model
  std::vector<std::string>
      forbidden;  ///< prompt sets whose refusal must not fall; empty: all but tune.retain_sets
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
