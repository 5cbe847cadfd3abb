#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "moerae/record/shard_record.hpp"
#include "moerae/store/file.hpp"
#include "moerae/store/provenance.hpp"

namespace moerae {

/// "shard-000012.h5"
[[nodiscard]] std::string shard_file_name(std::int32_t shard);

/// Publishes one shard (formats.md 5). `more` adds what else the stage keeps beside it. `precision` (float16
/// | float32) is that of weights and logits. Throws Error.
void write_shard(std::filesystem::path const& path, ShardRecord const& record, std::string const& precision,
                 store::Provenance const& provenance, std::function<void(store::File&)> const& more = {});

}  // namespace moerae
