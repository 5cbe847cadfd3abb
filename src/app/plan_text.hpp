#pragma once

#include <string>

#include "app/attribute_job.hpp"
#include "app/evaluate_job.hpp"
#include "app/record_job.hpp"

namespace moerae {

/// What `plan` prints of a model: parameters, layers, router, attention, memory of the weights per rank.
[[nodiscard]] std::string describe_model(Study const& study, ModelPlan const& plan, std::string const& dtype);

/// What it prints of the work: corpus, shards, grid, memory and bytes to be written, on so many `ranks`.
[[nodiscard]] std::string describe_work(Study const& study, RecordJob const& job, int ranks);

/// What it prints of margins: prompts, tokens and passes of the causal criteria.
[[nodiscard]] std::string describe_attribution(Study const& study, AttributeJob const& job);

/// What it prints of the replies: prompts, conditions, memory of the cache per rank.
[[nodiscard]] std::string describe_replies(Study const& study, EvaluateJob const& job);

/// What it prints of a training, whose set need not be there yet: examples, epochs, what an expert takes.
[[nodiscard]] std::string describe_training(Study const& study, ModelInputs const& inputs);

}  // namespace moerae
