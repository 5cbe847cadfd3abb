#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "moerae/base/ids.hpp"
#include "moerae/store/file.hpp"
#include "moerae/store/provenance.hpp"

namespace moerae::store {

/// Of the files of `tune`: the adapter, and its checkpoints.
inline constexpr char const* adapter_schema = "moerae.adapter/1";

struct ExpertKey {
  LayerId layer;  ///< decoder index
  ExpertId expert;
  friend auto operator<=>(ExpertKey const&, ExpertKey const&) = default;
};

/// What is common to the n experts of an adapter.
struct AdapterInfo {
  std::string method;                ///< lora | full
  double scale = 1;                  ///< of lora: the product b a is multiplied by it
  std::int64_t step = 0;             ///< steps of the optimiser behind it
  std::vector<ExpertKey> experts;    ///< [n], ascending
  std::vector<std::int64_t> tokens;  ///< [n] that chose each of them in training
  /// norm/<map>, of gate, up and down: Frobenius norm of what is added to the map of each expert [n].
  std::map<std::string, std::vector<double>> norms;
  /// By name (loss, learning_rate, ...), a value for every step: history/<name> [step].
  std::map<std::string, std::vector<double>> history;
};

/// One tensor of every expert: [n, ...].
struct AdapterTensor {
  std::vector<std::uint64_t> shape;  ///< with n
  std::vector<float> values;
};
/// By name: gate_up/a [n, r, H], gate_up/b [n, 2 I, r], down/a [n, r, I], down/b [n, H, r]; or gate_up/delta
/// [n, 2 I, H], down/delta [n, H, I]; gate rows first. Checkpoints: also optimiser/<moment>/<name>.
using AdapterTensors = std::map<std::string, AdapterTensor>;

/// Publishes it, complete. Throws Error.
void write_adapter(std::filesystem::path const& path, AdapterInfo const& info, AdapterTensors const& tensors,
                   Provenance const& provenance);

/// Reads an adapter expert by expert. DataError as File.
class AdapterReader {
 public:
  /// DataError where it is no whole adapter: schema, completeness, experts twice or not ascending, shapes.
  [[nodiscard]] static AdapterReader open(std::filesystem::path const& path);
  [[nodiscard]] AdapterInfo const& info() const { return info_; }
  [[nodiscard]] std::string const& stage_hash() const { return stage_hash_; }
  [[nodiscard]] std::string const& weights_hash() const { return weights_hash_; }  ///< of the model trained
  [[nodiscard]] std::filesystem::path const& path() const { return file_.path(); }
  [[nodiscard]] bool has(std::string const& name) const { return file_.has(name); }
  /// Shape of a tensor, of one expert.
  [[nodiscard]] std::vector<std::uint64_t> shape(std::string const& name) const;
  /// Of expert i of info().experts. DataError where a value is not finite.
  [[nodiscard]] std::vector<float> tensor(std::string const& name, std::size_t i) const;

 private:
  explicit AdapterReader(File file) : file_(std::move(file)) {}
  File file_;
  AdapterInfo info_;
  std::string stage_hash_, weights_hash_;
};

}  // namespace moerae::store
