// Any bytes as model.safetensors.index.json beside two sound files: DataError, or a checkpoint of exactly
// these files.

#include "fuzz/file_input.hpp"
#include "model/crafted.hpp"
#include "moerae/base/check.hpp"
#include "moerae/model/safetensors.hpp"

namespace {

void put_files() {
  using moerae::test::safetensors_bytes;
  auto const one = [](char const* name) {
    return std::string("{\"") + name + R"(":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})";
  };
  moerae::fuzz::put("config.json", "{}");
  moerae::fuzz::put("a.safetensors", safetensors_bytes(one("a"), 4));
  moerae::fuzz::put("b.safetensors", safetensors_bytes(one("b"), 4));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace moerae;
  static bool const ready = (put_files(), true);
  fuzz::put("model.safetensors.index.json", fuzz::text(data, size));
  try {
    auto const checkpoint = Checkpoint::open(fuzz::scratch());
    if (!ready || (checkpoint.bytes() != 4 && checkpoint.bytes() != 8)) std::abort();
    if (checkpoint.fingerprint().size() != 32) std::abort();
  } catch (DataError const&) {
  }
  return 0;
}
