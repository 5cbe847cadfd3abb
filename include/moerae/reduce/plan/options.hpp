#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "moerae/base/words.hpp"
#include "moerae/store/expert_set.hpp"

namespace moerae {

/// How replicates are drawn from C clusters.
///   complementary  replicates 2i and 2i+1 are two disjoint halves of floor(C/2) clusters
///                  (Shah and Samworth 2013)
///   bootstrap      C draws with replacement
enum class Resampling { complementary, bootstrap };
inline constexpr Words<Resampling, 2> resampling_words{
    {{"complementary", Resampling::complementary}, {"bootstrap", Resampling::bootstrap}}};

/// Where experts compete for the top N.
enum class Scope { layer, model };
inline constexpr Words<Scope, 2> scope_words{{{"layer", Scope::layer}, {"model", Scope::model}}};

/// [ses]: stability-based expert selection (methods: SAFEx, arXiv 2506.17368; complementary pairs by
/// default).
struct SesOptions {
  std::string regular = {};  ///< set names; empty: HCDG and HRCG are not formed
  std::string jailbreak = {};
  std::string benign = {};             ///< empty: nothing is subtracted and no noise floor is given
  std::vector<std::string> sets = {};  ///< further sets to score; with none at all, every set of the corpus
  std::string positions = {};  ///< of usage: SES, ESFT, matching of controls; empty: those of contrasts
  /// what the top N is of: usage, or also a contrast, of which stability selection is made for every pair of
  /// contrast.groups
  std::string score = "usage";
  Resampling resample = Resampling::complementary;
  std::int64_t samples = 100;  ///< replicates (complementary: two per pair)
  /// empty = auto: N = max(k, floor(.1 K)); else N = floor(alpha K + 1e-9)
  std::optional<double> alpha = {};
  std::optional<Scope> scope = {};  ///< empty = auto: layer for usage, model for contrasts
  double threshold = 0.9;           ///< selected: frequency >= threshold
  std::string preset = {};  ///< "paper": bootstrap, strict intersection, plain set difference for HRCG
};

/// [contrast]: criteria that compare two groups of prompts.
struct ContrastOptions {
  std::vector<std::string> criteria = {};
  /// a:b, more used in `a` is positive. a:b/c: against b and against c, and the weaker of the two counts.
  struct Pair {
    std::string a = {}, b = {};  ///< names of PromptGroup; b may be several, joined by '/'
    [[nodiscard]] std::vector<std::string> others() const;  ///< the names in b
    [[nodiscard]] bool several() const { return b.find('/') != std::string::npos; }
    [[nodiscard]] std::string text() const { return a + ":" + b; }
    [[nodiscard]] std::vector<Pair> parts() const;  ///< a against each of them
    friend bool operator==(Pair const&, Pair const&) = default;
  };
  std::vector<Pair> groups = {};
  /// of criteria that do not fix their own: content | template | prompt | response | prefill | all | last
  std::string positions = "content";
  std::int64_t count = 12;            ///< experts of a default set
  std::int64_t permutations = 20000;  ///< relabellings of every test; 0: scores without significance
  std::vector<std::string> permute_within = {"topic", "length"};  ///< strata of the relabellings; or none
};

/// [reduce]: how much of the record is used, and how.
struct ReduceStageOptions {
  std::int64_t clusters = 0;   ///< of each set at most; 0: all of the discovery split
  std::int64_t controls = 20;  ///< matched random sets drawn for every expert set
  std::int64_t memory = 1024;  ///< MiB for tables of one rank; does not change results
};

/// "<a>-vs-<b>", "<a>-vs-<b>-and-<c>": the name of a comparison in files; SET@OUTCOME is SET.OUTCOME there.
[[nodiscard]] std::string versus(ContrastOptions::Pair const& pair);

/// [select.NAME]: one expert set.
struct SelectOptions {
  std::string name = {};
  std::string criterion = "template_gate";  ///< ses | hcdg | hrcg | a contrast | esft_token | esft_gate
  std::string set = {};                     ///< one-group criteria
  std::optional<ContrastOptions::Pair> groups = {};  ///< contrasts
  std::optional<std::int64_t> count = {};            ///< the n best
  std::optional<double> p = {};                      ///< ESFT: share of the layer's score to be reached
  std::optional<double> threshold = {};              ///< score at least this
  store::Side side = store::Side::positive;
};

/// Everything `reduce` depends on besides the record.
struct ReduceOptions {
  std::uint64_t seed = 0;
  SesOptions ses;
  ContrastOptions contrast;
  ReduceStageOptions reduce;
  std::vector<SelectOptions> select = {};  ///< empty: every criterion writes its sets under default names
};

}  // namespace moerae
