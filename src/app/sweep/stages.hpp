#pragma once

#include <array>
#include <string_view>

#include "moerae/attribute/options.hpp"
#include "moerae/evaluate/method.hpp"
#include "moerae/keys/stages.hpp"
#include "moerae/record/shard_record.hpp"
#include "moerae/reduce/reduce.hpp"
#include "moerae/tune/options.hpp"

namespace moerae {

/// A stage that the cells of a sweep go through.
struct SweptStage {
  std::string_view name;
  Stages bit;
  int method;
  bool shared;      ///< its results are read through run.from, so that one of each kind is enough
  bool resumes;     ///< what a time limit stops goes on from there
  int tasks, cpus;  ///< of a job, where [job.STAGE] says nothing
};

/// In the order in which a cell goes through them.
inline constexpr std::array<SweptStage, 5> swept_stages{{
    {"record", stage::record, record_method, true, true, 4, 4},
    {"attribute", stage::attribute, attribute_method, true, true, 4, 4},
    {"reduce", stage::reduce, reduce_method, false, false, 4, 2},
    {"tune", stage::tune, tune_method, false, true, 4, 4},
    {"evaluate", stage::evaluate, evaluate_method, false, true, 4, 4},
}};

}  // namespace moerae
