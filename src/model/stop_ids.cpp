#include "moerae/model/stop_ids.hpp"

#include <limits>
#include <nlohmann/json.hpp>

#include "model/strict_json.hpp"
#include "moerae/base/check.hpp"

namespace moerae {

std::vector<std::uint32_t> stop_ids(std::filesystem::path const& folder) {
  for (auto const* name : {"generation_config.json", "config.json"}) {
    auto const path = folder / name;
    if (!std::filesystem::exists(path)) continue;
    auto const json = parse_python_json(read_small_file(path, 1 << 20), path.string());
    auto const found = json.find("eos_token_id");
    if (found == json.end() || found->is_null()) continue;
    std::vector<std::uint32_t> ids;
    for (auto const& id : found->is_array() ? *found : nlohmann::json::array({*found})) {
      validate<DataError>(
          id.is_number_unsigned() && id.get<std::uint64_t>() <= std::numeric_limits<std::uint32_t>::max(),
          "{}: eos_token_id: expected a token id or a list of them, not {}; replies would not end",
          path.string(), brief(found->dump()));
      ids.push_back(id.get<std::uint32_t>());
    }
    return ids;
  }
  return {};
}

}  // namespace moerae
