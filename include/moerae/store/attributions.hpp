#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "moerae/store/file.hpp"
#include "moerae/store/provenance.hpp"

namespace moerae::store {

/// Of the files of `attribute`.
inline constexpr char const* attribution_schema = "moerae.attribution/1";

/// What one file of `attribute` holds: P prompts, L layers, K experts.
struct Attributed {
  std::vector<std::int32_t> layers;      ///< [L] decoder index of each MoE layer, ascending
  std::int32_t experts = 0;              ///< K
  std::vector<std::uint64_t> prompt_id;  ///< [P]
  std::vector<double> margin;            ///< [P] nats: log p of refusing openings less that of complying ones
  /// By criterion, in drop/<criterion> [P, L, K]: nats by which masking the expert takes the margin down.
  std::map<std::string, std::vector<float>> drop;
};

/// Publishes it, complete. Throws Error.
void write_attributed(std::filesystem::path const& path, Attributed const& found,
                      Provenance const& provenance);

/// Reads such a file piece by piece. DataError as File.
class AttributedReader {
 public:
  /// DataError where it is no whole file of `attribute`.
  [[nodiscard]] static AttributedReader open(std::filesystem::path const& path);
  [[nodiscard]] std::string const& stage_hash() const { return stage_hash_; }
  [[nodiscard]] std::vector<std::int32_t> const& layers() const { return layers_; }
  [[nodiscard]] std::int32_t experts() const { return experts_; }
  [[nodiscard]] std::vector<std::uint64_t> const& prompt_ids() const { return prompt_ids_; }
  [[nodiscard]] bool has(std::string const& criterion) const { return file_.has("drop/" + criterion); }
  /// [P, n, K] of layers first .. first + n - 1. DataError where a value is not finite.
  [[nodiscard]] std::vector<float> drop(std::string const& criterion, std::size_t first, std::size_t n) const;

 private:
  explicit AttributedReader(File file) : file_(std::move(file)) {}
  File file_;
  std::string stage_hash_;
  std::vector<std::int32_t> layers_;
  std::int32_t experts_ = 0;
  std::vector<std::uint64_t> prompt_ids_;
};

}  // namespace moerae::store
