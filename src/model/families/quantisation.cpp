// `quantization_config` of the methods whose files can be read.

#include <algorithm>
#include <array>

#include "model/families/family.hpp"
#include "moerae/base/check.hpp"

namespace moerae {
namespace {

void read_fp8(Config const& own, Quantisation& how) {
  if (own.integers("weight_block_size") != std::vector<std::int64_t>{fp8_block, fp8_block})
    own.fail("weight_block_size", fmt::format("[{0}, {0}]", fp8_block));
  how.packing = Packing::block_fp8;
}

void four_bits(Config const& own, char const* field) {
  if (own.integer(field, 1, 4) != 4) own.fail(field, "4: weights of another width cannot be read");
}

// -1: one group of all inputs
std::int64_t group_size(Config const& own, std::int64_t fallback) {
  auto const size = own.integer("group_size", -1, fallback);
  return size == -1 ? 0 : own.integer("group_size", 1, fallback);
}

void read_gptq(Config const& own, Quantisation& how) {
  four_bits(own, "bits");
  how.group = group_size(own, 128);
  auto const format = own.text("checkpoint_format", "gptq", Null::as_absent);
  if (format != "gptq" && format != "gptq_v2") own.fail("checkpoint_format", "gptq or gptq_v2");
  if (own.object("dynamic")) own.fail("dynamic", "nothing: modules of different widths cannot be read");
  how.packing = format == "gptq" ? Packing::gptq : Packing::gptq_v2;
}

void read_awq(Config const& own, Quantisation& how) {
  four_bits(own, own.has("w_bit") ? "w_bit" : "bits");
  auto const* const group = own.has("q_group_size") ? "q_group_size" : "group_size";
  how.group = own.integer(group, 1, 128);
  auto version = own.text("version", "gemm", Null::as_absent);
  std::ranges::transform(version, version.begin(), [](unsigned char c) { return std::tolower(c); });
  if (version != "gemm") own.fail("version", "gemm");
  how.packing = Packing::awq;
}

void read_compressed_tensors(Config const& own, Quantisation& how) {
  auto const groups = own.object("config_groups");
  if (!groups || groups->keys().size() != 1) own.fail("config_groups", "one group of modules");
  auto const group = groups->object(groups->keys().front());
  auto const weights = group ? group->object("weights") : std::nullopt;
  if (!weights) own.fail("config_groups", "a group with \"weights\"");
  auto const& w = *weights;
  if (!w.boolean("symmetric", true)) w.fail("symmetric", "true: weights with a zero point cannot be read");
  if (w.has("actorder")) w.only("actorder", "weight", "weight");
  auto const format = own.text("format", "");
  if (format == "float-quantized") {
    w.only("type", "float", "float");
    w.only("strategy", "channel", "channel");
    if (w.integer("num_bits", 1) != 8) w.fail("num_bits", "8");
    how.packing = Packing::channel_fp8;
  } else if (format == "pack-quantized") {
    w.only("type", "int", "int");
    four_bits(w, "num_bits");
    auto const strategy = w.text("strategy", "");
    if (strategy != "group" && strategy != "channel") w.fail("strategy", "group or channel");
    if (strategy == "group") how.group = w.integer("group_size", 1);
    how.packing = Packing::int4;
  } else {
    own.fail("format", "float-quantized or pack-quantized");
  }
}

struct Method {
  char const* name;
  void (*read)(Config const&, Quantisation&);
};
constexpr std::array methods{
    Method{"fp8", read_fp8},
    Method{"gptq", read_gptq},
    Method{"awq", read_awq},
    Method{"compressed-tensors", read_compressed_tensors},
    Method{"mxfp4", [](Config const&, Quantisation&) {}},  // a layout of experts, see ExpertLayout
};

}  // namespace

Quantisation read_quantisation(Config const& config) {
  Quantisation out;
  auto const own = config.object("quantization_config");
  if (!own) return out;
  out.method = own->text("quant_method", "an unnamed method");
  auto const method = std::ranges::find(methods, out.method, &Method::name);
  if (method == methods.end()) {
    std::string known;
    for (auto const& m : methods) known += (known.empty() ? "" : ", ") + std::string(m.name);
    out.obstacle =
        fmt::format("quantization_config: {} files cannot be read; known are {}", out.method, known);
    return out;
  }
  try {
    method->read(*own, out);
  } catch (DataError const& fault) {  // no matter where it was left over on plain tensors
    out.packing = Packing::plain;
    out.obstacle = fault.what();
  }
  return out;
}

}  // namespace moerae
