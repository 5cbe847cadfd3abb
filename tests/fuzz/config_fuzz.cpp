// Any bytes as config.json: DataError, or a plan whose sizes neither overflow nor ask for endless memory.

#include "fuzz/file_input.hpp"
#include "moerae/base/check.hpp"
#include "moerae/model/plan.hpp"
#include "moerae/model/tensor_specs.hpp"

namespace {

// 2^20 experts are allowed and make seconds of names under the sanitizers; a few thousand show the same
bool is_small(moerae::ModelPlan const& plan) {
  return plan.router().experts * static_cast<std::int64_t>(plan.layers.size()) <= 4096;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace moerae;
  fuzz::put("config.json", fuzz::text(data, size));
  try {
    auto const plan = read_plan(fuzz::scratch());
    if (!is_small(plan)) return 0;
    auto const count = count_parameters(plan);
    if (count.active <= 0 || count.active > count.total || count.embeddings > count.active) std::abort();
    for (auto const& spec : tensor_specs(plan)) {
      if (spec.name.empty()) std::abort();
      std::int64_t elements = 1;
      for (auto const extent : spec.shape)
        if (extent < 1 || __builtin_mul_overflow(elements, extent, &elements)) std::abort();
    }
  } catch (DataError const&) {
  }
  return 0;
}
