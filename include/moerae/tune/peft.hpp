#pragma once

#include <filesystem>
#include <string>

#include "moerae/model/session.hpp"
#include "moerae/store/adapters.hpp"

namespace moerae {

/// Throws ConfigError where PEFT has no form for it: whole experts (tune.method = full), which are no product
/// of low rank, and checkpoints whose experts stay packed in transformers (FP8, GPTQ, ...), where PEFT would
/// add to the packed numbers. MXFP4 is not among them: transformers unpacks it
/// (Mxfp4Config(dequantize=True)).
void check_peft(ModelPlan const& plan, store::AdapterReader const& adapter);

/// Writes an adapter as PEFT 0.21.2 stores a LoRA to the folder `to`, which is not there: adapter_config.json
/// (`base`: what it says the base model is) and adapter_model.safetensors, float32. transformers (from 5 on)
/// keeps the experts of a layer as two tensors; PEFT adapts those as a whole (`target_parameters`), with a
/// pair for every expert of the layer: b of experts that were not trained is zero. In layers without a
/// trained expert nothing is adapted. Models that keep every expert as modules of its own (DeepSeekMoE) are
/// adapted there. Throws Error; DataError where the adapter is of a model of another shape.
void write_peft(ModelSource const& model, store::AdapterReader const& adapter, std::string const& base,
                std::filesystem::path const& to);

}  // namespace moerae
