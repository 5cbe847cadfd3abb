#include "app/model_inputs.hpp"

#include "moerae/base/check.hpp"
#include "moerae/store/content_hash.hpp"

namespace moerae {
namespace {

ExpertSpace space_of(ModelPlan const& plan) {
  ExpertSpace space;
  for (auto const layer : plan.moe_layers()) space.layers.push_back(layer.value);
  space.experts = static_cast<std::int32_t>(plan.router().experts);
  space.top_k = static_cast<std::int32_t>(plan.router().top_k);
  return space;
}

std::string precision_of(Study const& study, ModelSource const& model) {
  if (study.record.precision != "auto") return study.record.precision;
  return model.dtype == "float32" ? "float32" : "float16";
}

nlohmann::ordered_json adapter_of(ModelOptions const& options) {
  if (options.adapter.empty()) return nullptr;
  return {{"content", store::content_hash(options.adapter)}, {"scale", options.adapter_scale}};
}

}  // namespace

nlohmann::ordered_json ModelInputs::resolved() const {
  return {{"model", model.checkpoint.fingerprint()},
          {"corpus", corpus.content_hash},
          {"model.dtype", model.dtype},
          {"record.precision", precision},
          {"adapter", adapter}};
}

ModelInputs open_inputs(Study const& study) {
  auto corpus = read_corpus(study.corpus.path);
  validate<DataError>(corpus.has_tokens,
                      "{}: tokens: missing; an imported trace has no tokens and can only be reduced",
                      study.corpus.path.string());
  auto model = open_model(study.model.path, study.model.dtype);
  check_vocabulary(corpus, model.plan.vocabulary);
  validate<ConfigError>(
      study.grid.expert <= model.plan.router().experts,
      "grid.expert = {}: a layer of this model has {} experts, so some ranks would own none; use at most {}",
      study.grid.expert, model.plan.router().experts, model.plan.router().experts);
  auto space = space_of(model.plan);
  auto precision = precision_of(study, model);
  auto adapter = adapter_of(study.model);
  return {std::move(corpus), std::move(model), std::move(space), std::move(precision), std::move(adapter)};
}

}  // namespace moerae
