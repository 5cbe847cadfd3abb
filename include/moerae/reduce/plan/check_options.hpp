#pragma once

#include <string>
#include <vector>

#include "moerae/base/faults.hpp"
#include "moerae/corpus/corpus.hpp"
#include "moerae/reduce/plan/options.hpp"

namespace moerae {

/// A prompt set that the options name.
struct NamedSet {
  std::string key, set;
};
[[nodiscard]] std::vector<NamedSet> named_sets(ReduceOptions const& options);

/// The sets of which the options compare groups by outcome (SET@OUTCOME), each once.
[[nodiscard]] std::vector<std::string> sets_by_outcome(ReduceOptions const& options);

/// What contradicts each other in options whose values are each in its range, without looking at a corpus.
void check_options(ReduceOptions const& options, Faults& faults);

/// What `reduce` cannot do with the prompts of `sets` (empty: all of the corpus), the only ones that are
/// recorded; `has_routing`: with the routing of every token. Options as check_options takes them; those that
/// ask for nothing are taken as those of a study that only records. Throws one ConfigError with all faults.
void check_against_corpus(ReduceOptions const& options, Corpus const& corpus,
                          std::vector<std::string> const& sets, bool has_routing);

/// The names of the sets that `reduce` would write, with all attributions that it could read. As
/// check_against_corpus.
[[nodiscard]] std::vector<std::string> planned_sets(ReduceOptions const& options, Corpus const& corpus,
                                                    std::vector<std::string> const& sets, bool has_routing);

}  // namespace moerae
