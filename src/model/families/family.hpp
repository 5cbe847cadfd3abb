#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "moerae/model/plan.hpp"

namespace moerae {

/// What an explicit null is where a field has a fallback. transformers gives its default for an absent field
/// only; what it makes of null differs from field to field, mostly an error.
enum class Null { refused, as_absent };

/// Typed access to config.json; every error names the file, the field, its value and what was expected.
class Config {
 public:
  Config(std::string file, nlohmann::json fields) : file_(std::move(file)), fields_(std::move(fields)) {}

  /// Integer in [low, 2^31). `fallback` where the field is absent; without one it is required.
  [[nodiscard]] std::int64_t integer(std::string const& field, std::int64_t low,
                                     std::optional<std::int64_t> fallback = {},
                                     Null null = Null::refused) const;
  [[nodiscard]] double number(std::string const& field, std::optional<double> fallback = {},
                              Null null = Null::refused) const;
  [[nodiscard]] std::optional<double> optional_number(
      std::string const& field) const;  ///< absent or null: none
  [[nodiscard]] bool boolean(std::string const& field, bool fallback) const;
  [[nodiscard]] std::string text(std::string const& field, std::string const& fallback,
                                 Null null = Null::refused) const;
  [[nodiscard]] std::vector<std::int64_t> integers(
      std::string const& field) const;                                           ///< absent or null: empty
  [[nodiscard]] std::vector<double> numbers(std::string const& field) const;     ///< required
  [[nodiscard]] std::vector<std::string> texts(std::string const& field) const;  ///< absent or null: empty
  [[nodiscard]] std::optional<Config> object(
      std::string const& field) const;  ///< absent, null or {}: nothing
  /// `num_hidden_layers`, bounded so that a damaged file cannot ask for endless memory.
  [[nodiscard]] std::int64_t layers() const;
  [[nodiscard]] std::vector<std::string> keys() const;       ///< in order
  [[nodiscard]] bool holds(std::string const& field) const;  ///< also null
  [[nodiscard]] bool has(std::string const& field) const;    ///< neither absent nor null
  /// Refuses every value of a text field (`fallback` where absent or null) but `allowed`.
  void only(std::string const& field, std::string const& fallback, std::string const& allowed) const;
  /// Throws DataError "<file>: <field> = <value>: <expectation>".
  [[noreturn]] void fail(std::string const& field, std::string const& expectation) const;

 private:
  [[nodiscard]] bool falls_back(std::string const& field, Null null) const;
  [[nodiscard]] nlohmann::json const* find(std::string const& field) const;
  std::string file_;
  nlohmann::json fields_;
};

/// A row of the registry: `model_type`, its class in `architectures` and the function that turns a config
/// into a plan. vocabulary, hidden, dtype, quantised and tied embeddings are read for every family by the
/// caller; the family fills `norm`, `layers` and what differs.
struct Family {
  char const* model_type;
  char const* architecture;
  void (*plan)(Config const&, ModelPlan&);
};

[[nodiscard]] std::span<Family const> families();
/// Throws nothing: what cannot be read is `obstacle`, as tensors may be plain nevertheless.
[[nodiscard]] Quantisation read_quantisation(Config const&);
/// The family that a published `model_type` is another name of; itself where it is none.
[[nodiscard]] std::string_view family_of(std::string_view model_type);

void plan_deepseek(Config const&, ModelPlan&);
void plan_deepseek_v2(Config const&, ModelPlan&);
void plan_deepseek_v3(Config const&, ModelPlan&);
void plan_dots1(Config const&, ModelPlan&);
void plan_glm4_moe(Config const&, ModelPlan&);
void plan_glm4_moe_lite(Config const&, ModelPlan&);
void plan_gpt_oss(Config const&, ModelPlan&);
void plan_granitemoe(Config const&, ModelPlan&);
void plan_minimax_m2(Config const&, ModelPlan&);
void plan_mixtral(Config const&, ModelPlan&);
void plan_olmoe(Config const&, ModelPlan&);
void plan_phimoe(Config const&, ModelPlan&);
void plan_qwen2_moe(Config const&, ModelPlan&);
void plan_qwen3_moe(Config const&, ModelPlan&);

}  // namespace moerae
