#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace moerae {

/// [ses]: stability-based expert selection (methods: SAFEx, arXiv 2506.17368; complementary pairs by
/// default).
struct SesOptions {
  std::string regular = {};  ///< set names; empty: HCDG and HRCG are not formed
  std::string jailbreak = {};
  std::string benign = {};             ///< empty: nothing is subtracted and no noise floor is given
  std::vector<std::string> sets = {};  ///< further sets to score; with none at all, every set of the corpus
  std::string score = "usage";  ///< what the top N is of: usage; contrasts are refused until they are wired
  std::string resample = "complementary";  ///< complementary | half | bootstrap
  std::int64_t samples = 100;              ///< replicates (complementary: two per pair)
  /// empty = auto: N = max(k, floor(.1 K)); else N = floor(alpha K + 1e-9)
  std::optional<double> alpha = {};
  std::string scope = "layer";  ///< top N of each layer, or of the whole model
  double threshold = 0.9;       ///< selected: frequency >= threshold
  std::string preset = {};      ///< "paper": bootstrap, strict intersection, plain set difference for HRCG
};

/// [contrast]: criteria that compare two groups of prompts.
struct ContrastOptions {
  std::vector<std::string> criteria = {};
  /// a:b, more used in `a` is positive
  struct Pair {
    std::string a = {}, b = {};
  };
  std::vector<Pair> groups = {};
  std::string positions = "content";  ///< content | prompt | response | all | last; also for SES and ESFT
  std::int64_t count = 12;            ///< experts of a default set
};

/// [select.NAME]: one expert set.
struct SelectOptions {
  std::string name = {};
  std::string criterion = {};              ///< ses | hcdg | hrcg | a contrast | esft_token | esft_gate
  std::string set = {};                    ///< one-group criteria
  std::string groups = {};                 ///< contrasts: a:b
  std::optional<std::int64_t> count = {};  ///< the n best
  std::optional<double> p = {};            ///< ESFT: share of the layer's score to be reached
  std::optional<double> threshold = {};    ///< score at least this
  std::string side = "positive";           ///< positive | negative | both
};

/// Everything `reduce` depends on besides the record.
struct ReduceOptions {
  std::uint64_t seed = 0;
  SesOptions ses;
  ContrastOptions contrast;
  std::vector<SelectOptions> select = {};  ///< empty: every criterion writes its sets under default names
};

}  // namespace moerae
