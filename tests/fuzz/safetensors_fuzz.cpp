// Any bytes as a safetensors file: DataError or views that lie inside the file.

#include <numeric>

#include "fuzz/file_input.hpp"
#include "moerae/base/check.hpp"
#include "moerae/model/safetensors.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace moerae;
  fuzz::put("m.safetensors", fuzz::text(data, size));
  try {
    SafetensorsFile const file(fuzz::scratch() / "m.safetensors");
    std::size_t covered = 8 + file.header().size();
    std::string copy;
    for (auto const& [name, tensor] : file.tensors()) {
      covered += tensor.bytes.size();
      copy.resize(tensor.bytes.size());
      file.copy(tensor.bytes, reinterpret_cast<std::byte*>(copy.data()));
      // reads every byte of the view: an address outside the mapping dies here
      if (!std::equal(tensor.bytes.begin(), tensor.bytes.end(),
                      reinterpret_cast<std::byte const*>(copy.data())))
        std::abort();
    }
    if (covered != size) std::abort();
  } catch (DataError const&) {
  }
  return 0;
}
