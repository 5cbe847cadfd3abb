// The layouts that transformers writes and reads (conversion_mapping.py, tie_weights), brought to that of the
// plan.

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "moerae/base/check.hpp"
#include "moerae/model/safetensors.hpp"

namespace moerae {
namespace {

constexpr char const* scale_suffix = "_scale_inv";

std::string spelled(std::string name, std::vector<Spelling> const& spellings) {
  for (auto const& [other, ours] : spellings)
    if (auto const at = name.find(other); at != std::string::npos) name.replace(at, other.size(), ours);
  return name;
}

}  // namespace

void Checkpoint::put(std::string const& name, StoredTensor const* tensor, std::string const& stored) {
  validate<DataError>(
      tensors_.emplace(name, tensor).second,
      "{}: tensor {} is there in another layout too; which one holds is not defined: keep one "
      "of them",
      tensor->file->path().string(), stored);
}

// Names that the plan does not know; a base model saved without its head lacks the prefix of its parent.
void Checkpoint::spell(WeightNames const& names) {
  auto const root = names.layer.substr(0, names.layer.find("layers."));
  bool const bare =
      names.embedding.starts_with(root) && tensors_.contains(names.embedding.substr(root.size()));
  auto const old = std::exchange(tensors_, {});
  for (auto const& [name, tensor] : old) {
    bool const lacks = bare && !name.starts_with(root) && !name.starts_with(names.head + ".");
    put(spelled(lacks ? root + name : name, names.spellings), tensor, name);
  }
}

// parts[p][e]: name of part p of expert e; they lie one after another in rows of the second axis.
void Checkpoint::cut(std::string const& fused, std::vector<std::int64_t> const& shape,
                     std::vector<std::vector<std::string>> const& parts) {
  auto const found = tensors_.find(fused);
  if (found == tensors_.end()) return;
  auto const& whole = *found->second;
  validate<DataError>(whole.shape == shape, "{}: tensor {}: shape [{}], but config.json asks for [{}]",
                      whole.file->path().string(), fused, fmt::join(whole.shape, ", "),
                      fmt::join(shape, ", "));
  tensors_.erase(found);
  auto const rows = shape[1] / static_cast<std::int64_t>(parts.size());
  auto const size = whole.bytes.size() / (parts.size() * parts.front().size());
  for (std::size_t e = 0; e < parts.front().size(); ++e)
    for (std::size_t p = 0; p < parts.size(); ++p) {
      auto const bytes = whole.bytes.subspan((e * parts.size() + p) * size, size);
      put(parts[p][e], &cuts_.emplace_back(StoredTensor{whole.dtype, {rows, shape[2]}, bytes, whole.file}),
          fused);
    }
}

void Checkpoint::separate(ModelPlan const& plan, LayerId layer) {
  auto const* moe = plan.layers[static_cast<std::size_t>(layer.value)].moe();
  if (!moe) return;
  auto const& n = plan.names;
  auto const k = moe->router.experts, inner = moe->intermediate;
  auto const of_experts = [&](std::string const& module, std::string const& suffix) {
    std::vector<std::string> out;
    for (std::int32_t e = 0; e < k; ++e)
      out.push_back(expert_tensor(plan, layer, module, ExpertId(e)) + ".weight" + suffix);
    return out;
  };
  auto const both = layer_tensor(plan, layer, n.expert_gate_up),
             down = layer_tensor(plan, layer, n.expert_down_all);
  cut(both, {k, 2 * inner, plan.hidden}, {of_experts(n.expert_gate, ""), of_experts(n.expert_up, "")});
  cut(down, {k, plan.hidden, inner}, {of_experts(n.expert_down, "")});
  if (!tensors_.contains(both + scale_suffix)) return;
  validate<DataError>(inner % fp8_block == 0,
                      "{}: tensor {}: with experts of {} rows a block of {} has rows of gate and of up; "
                      "fused experts in FP8 are read in whole blocks only",
                      folder_.string(), both + scale_suffix, inner, fp8_block);
  auto const blocks = [](std::int64_t size) { return (size + fp8_block - 1) / fp8_block; };
  cut(both + scale_suffix, {k, blocks(2 * inner), blocks(plan.hidden)},
      {of_experts(n.expert_gate, scale_suffix), of_experts(n.expert_up, scale_suffix)});
  cut(down + scale_suffix, {k, blocks(plan.hidden), blocks(inner)},
      {of_experts(n.expert_down, scale_suffix)});
}

// What `quantization_config` says holds of tensors that are packed; on plain ones it was left over.
void Checkpoint::fit_quantisation(ModelPlan& plan) const {
  auto& how = plan.quantisation;
  if (how.method.empty()) return;
  constexpr auto is_plain = [](auto const& entry) {
    auto const& dtype = entry.second->dtype;
    return dtype == "F32" || dtype == "BF16" || dtype == "F16";
  };
  if (std::ranges::all_of(tensors_, is_plain)) {
    spdlog::info("{}: quantization_config names {}, but all tensors are plain: they are read as they are",
                 (folder_ / "config.json").string(), how.method);
    how = {};
    if (plan.names.experts == ExpertLayout::mxfp4) plan.names.experts = ExpertLayout::interleaved;
  }
  validate<DataError>(how.obstacle.empty(), "{}: {}; use the checkpoint in bfloat16", folder_.string(),
                      how.obstacle);
  bool const separate = plan.names.experts == ExpertLayout::separate;
  validate<DataError>(
      separate ? how.method != "mxfp4" : how.packing == Packing::plain,
      "{}: quantization_config: {} files of {} cannot be read; use the checkpoint in bfloat16",
      folder_.string(), how.method, plan.family);
}

void Checkpoint::find_packed(ModelPlan const& plan) {
  packed_.clear();
  if (plan.quantisation.packing == Packing::plain) return;
  for (auto const& spec : tensor_specs(plan)) {
    if (spec.kind != TensorSpec::Kind::linear) continue;
    auto const numbers = packed_tensors(plan.quantisation, spec.shape[0], spec.shape[1]).front();
    auto const found = tensors_.find(module_of(spec.name) + std::string(numbers.suffix));
    if (found != tensors_.end() && found->second->dtype == numbers.dtype)
      packed_.emplace(spec.name, spec.shape);
  }
}

void Checkpoint::fit_ties(ModelPlan& plan) {
  if (!plan.tied_embeddings) return;
  auto const head = tensors_.find(plan.names.head + ".weight"),
             embedding = tensors_.find(plan.names.embedding);
  if (head == tensors_.end()) return;
  if (embedding == tensors_.end()) {
    auto node = tensors_.extract(head);
    node.key() = plan.names.embedding;
    tensors_.insert(std::move(node));
    return;
  }
  auto const &a = *head->second, &b = *embedding->second;
  if (a.dtype == b.dtype && a.shape == b.shape && std::ranges::equal(a.bytes, b.bytes)) return;
  spdlog::info(
      "{}: {}.weight differs from the embedding that config.json ties it to: both are used, as by "
      "transformers",
      folder_.string(), plan.names.head);
  plan.tied_embeddings = false;
}

ModelPlan Checkpoint::fit(ModelPlan plan) {
  spell(plan.names);
  fit_quantisation(plan);
  if (plan.names.experts == ExpertLayout::separate)
    for (std::size_t i = 0; i < plan.layers.size(); ++i)
      separate(plan, LayerId(static_cast<std::int32_t>(i)));
  find_packed(plan);
  fit_ties(plan);
  check_against(plan);
  return plan;
}

}  // namespace moerae
