#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

namespace moerae::test {

/// A safetensors file: header length, header, data; `claimed` overrides the length field.
inline std::string safetensors_bytes(std::string const& header, std::size_t data,
                                     std::optional<std::uint64_t> claimed = {}) {
  std::uint64_t const length = claimed.value_or(header.size());
  std::string out(8, '\0');
  std::memcpy(out.data(), &length, 8);
  return out + header + std::string(data, '\1');
}

/// config.json of a small model; `more` is appended inside the object (later keys must not repeat earlier
/// ones).
inline std::string config_json(std::string const& family, std::string const& more = "") {
  return R"({"model_type": ")" + family + R"(", "vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 3,
    "num_attention_heads": 2, "num_key_value_heads": 1, "num_experts": 4, "num_experts_per_tok": 2,
    "moe_intermediate_size": 6, "intermediate_size": 10)" +
         more + "}";
}

}  // namespace moerae::test
