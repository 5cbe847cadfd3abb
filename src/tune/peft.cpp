#include "moerae/tune/peft.hpp"

#include <cmath>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "moerae/base/check.hpp"
#include "moerae/model/expert_views.hpp"
#include "moerae/store/publish.hpp"
#include "moerae/store/safetensors_writer.hpp"
#include "moerae/tune/apply_adapter.hpp"

namespace moerae {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

// Whether the outputs of gate_up_proj are gate, up, gate, up, ... instead of gate first.
bool alternates(ModelPlan const& plan) {
  return plan.names.experts == ExpertLayout::interleaved || plan.names.experts == ExpertLayout::mxfp4;
}

struct LowRankShape {
  std::int64_t rows = 0, rank = 0, width = 0;  // of the product [rows, width]
};

std::int64_t rank_of(store::AdapterReader const& adapter) {
  return static_cast<std::int64_t>(adapter.shape("gate_up/a").front());
}

// What a file of PEFT holds, and how each tensor is made when its turn comes.
struct Contents {
  struct Tensor {
    std::string name;
    std::vector<std::int64_t> shape;
    std::function<torch::Tensor()> make;
  };
  std::vector<std::string> modules, parameters;  // that are adapted
  std::vector<Tensor> tensors;
};

// Of one map of the experts of a layer: A [K r, in], the ranks of an expert side by side; B [out, r K], its
// experts side by side. `trained`: numbers in the adapter.
void add_fused(Contents& out, store::AdapterReader const& adapter, std::string const& map,
               std::string const& module, std::vector<std::size_t> const& trained, LowRankShape const& shape,
               std::int64_t experts, bool in_turn) {
  auto const [rows, rank, width] = shape;
  auto const slot = [&adapter](std::size_t i) {
    return static_cast<std::int64_t>(adapter.info().experts[i].expert.value);
  };
  out.tensors.push_back({module + ".lora_A.weight", {experts * rank, width}, [=, &adapter] {
                           auto a = torch::zeros({experts, rank, width});
                           for (auto const i : trained)
                             a[slot(i)].copy_(low_rank(adapter, map, i, rows, width).a);
                           return a.flatten(0, 1);
                         }});
  out.tensors.push_back({module + ".lora_B.weight", {rows, rank * experts}, [=, &adapter] {
                           auto b = torch::zeros({rows, rank, experts});
                           for (auto const i : trained) {
                             auto const of = low_rank(adapter, map, i, rows, width).b;
                             b.select(2, slot(i)).copy_(in_turn ? alternating(of).flatten(0, 1) : of);
                           }
                           return b.flatten(1, 2);
                         }});
}

// Of one linear module of one expert; rows [first, first + count) of what the adapter has.
void add_linear(Contents& out, store::AdapterReader const& adapter, std::string const& map,
                std::string const& module, std::size_t i, LowRankShape const& shape, std::int64_t first,
                std::int64_t count) {
  auto const [rows, rank, width] = shape;
  out.modules.push_back(module);
  auto const name = "base_model.model." + module;
  out.tensors.push_back({name + ".lora_A.weight", {rank, width}, [=, &adapter] {
                           return low_rank(adapter, map, i, rows, width).a;
                         }});
  out.tensors.push_back({name + ".lora_B.weight", {count, rank}, [=, &adapter] {
                           return low_rank(adapter, map, i, rows, width).b.narrow(0, first, count);
                         }});
}

Contents contents_of(ModelPlan const& plan, store::AdapterReader const& adapter) {
  std::map<LayerId, std::vector<std::size_t>> by_layer;
  auto const& experts = adapter.info().experts;
  for (std::size_t i = 0; i < experts.size(); ++i) {
    check_expert(plan, adapter, i);
    by_layer[experts[i].layer].push_back(i);
  }
  auto const& where = plan.names.experts_module;
  bool const apart = where.find("{expert}") != std::string::npos;
  auto const rank = rank_of(adapter);
  Contents out;
  for (auto const& [layer, trained] : by_layer) {
    auto const& spec = *plan.layers[static_cast<std::size_t>(layer.value)].moe();
    LowRankShape const both{2 * spec.intermediate, rank, plan.hidden},
        down{plan.hidden, rank, spec.intermediate};
    if (apart) {
      for (auto const i : trained) {
        auto const own = expert_tensor(plan, layer, where, experts[i].expert) + ".";
        add_linear(out, adapter, "gate_up", own + "gate_proj", i, both, 0, spec.intermediate);
        add_linear(out, adapter, "gate_up", own + "up_proj", i, both, spec.intermediate, spec.intermediate);
        add_linear(out, adapter, "down", own + "down_proj", i, down, 0, plan.hidden);
      }
      continue;
    }
    // two wrappers around the module: gate_up_proj, its first parameter, is the inner one
    auto const module = layer_tensor(plan, layer, where);
    auto const name = "base_model.model." + module, inner = name + ".base_layer";
    add_fused(out, adapter, "gate_up", inner, trained, both, spec.router.experts, alternates(plan));
    add_fused(out, adapter, "down", name, trained, down, spec.router.experts, false);
    for (auto const* parameter : {".gate_up_proj", ".down_proj"})
      out.parameters.push_back(module + parameter);
  }
  return out;
}

Json config_of(Contents const& contents, store::AdapterReader const& adapter, std::string const& base) {
  auto const rank = rank_of(adapter);
  auto const alpha = adapter.info().scale * static_cast<double>(rank), whole = std::round(alpha);
  Json out{{"peft_type", "LORA"},
           {"task_type", "CAUSAL_LM"},
           {"base_model_name_or_path", base},
           {"inference_mode", true},
           {"r", rank},
           {"lora_alpha", nullptr},
           {"lora_dropout", 0.0},
           {"bias", "none"},
           {"fan_in_fan_out", false},
           {"use_rslora", false},
           {"use_dora", false},
           {"target_modules", contents.modules},
           {"target_parameters", nullptr}};
  // PEFT calls alpha an integer, and divides it by r
  out["lora_alpha"] =
      std::abs(alpha - whole) < 1e-9 * whole ? Json(static_cast<std::int64_t>(whole)) : Json(alpha);
  if (!contents.parameters.empty()) out["target_parameters"] = contents.parameters;
  return out;
}

}  // namespace

void check_peft(ModelPlan const& plan, store::AdapterReader const& adapter) {
  validate<ConfigError>(
      adapter.info().method == "lora",
      "export.format = peft: tune.method = {} trained whole weights, which are no product of low rank, and "
      "PEFT has no form for that; say export.format = merged or delta, or tune with tune.method = lora",
      adapter.info().method);
  validate<ConfigError>(
      plan.quantisation.packing == Packing::plain || plan.names.experts == ExpertLayout::mxfp4,
      "export.format = peft: the checkpoint has packed experts ({}), to whose packed numbers PEFT would add; "
      "use the adapter itself (model.adapter), or tune and export on the checkpoint that was not packed",
      plan.quantisation.method);
}

void write_peft(ModelSource const& model, store::AdapterReader const& adapter, std::string const& base,
                fs::path const& to) {
  auto const contents = contents_of(model.plan, adapter);
  std::vector<store::SafetensorsEntry> entries;
  for (auto const& [name, shape, make] : contents.tensors) {
    auto bytes = sizeof(float);
    for (auto const extent : shape) bytes *= static_cast<std::size_t>(extent);
    entries.push_back({name, "F32", shape, bytes});
  }
  fs::create_directories(to);
  store::SafetensorsWriter file(to / "adapter_model.safetensors", std::move(entries));
  for (auto const& [name, shape, make] : contents.tensors) {
    auto const values = make().contiguous();
    ensure(values.sizes() == torch::IntArrayRef(shape), "{}: of another shape", name);
    file.write(name, {static_cast<std::byte const*>(values.const_data_ptr()), values.nbytes()});
  }
  file.close();
  store::write_text(to / "adapter_config.json", config_of(contents, adapter, base).dump(2) + "\n");
}

}  // namespace moerae
