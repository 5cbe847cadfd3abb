// Rotary embeddings of both dialects. Reference: transformers modeling_rope_utils.

#include <array>
#include <cmath>

#include "model/families/parts.hpp"
#include "moerae/base/check.hpp"

namespace moerae {
namespace {

using Scaling = RopeSpec::Scaling;

struct Source {
  Config const& config;  // whole file
  Config const& own;     // the rope object
};

double positive(Config const& config, std::string const& field) {
  auto const value = config.number(field);
  if (!(value > 0)) config.fail(field, "a positive number");
  return value;
}

// A value at the top level goes before one in the rope object, as in standardize_rope_params.
std::int64_t original_positions(Source const& s) {
  constexpr auto field = "original_max_position_embeddings";
  if (s.config.has(field)) return s.config.integer(field, 2);
  if (s.own.has(field)) return s.own.integer(field, 2);
  return s.config.integer("max_position_embeddings", 2);
}

// Without `factor`: the ratio of the lengths.
double stretch(Source const& s, RopeSpec const& rope) {
  if (s.own.has("factor")) return positive(s.own, "factor");
  return static_cast<double>(s.config.integer("max_position_embeddings", 1)) /
         static_cast<double>(rope.original_positions);
}

void linear(Source const& s, RopeSpec& rope) {
  rope.factor = positive(s.own, "factor");
}

// Grows the base beyond max_position_embeddings.
void dynamic(Source const& s, RopeSpec& rope) {
  rope.factor = positive(s.own, "factor");
  rope.original_positions = s.config.integer("max_position_embeddings", 1);
  if (rope.dim <= 2) s.own.fail("rope_type", "another type: dynamic needs more than two rotated dimensions");
}

void yarn(Source const& s, RopeSpec& rope) {
  rope.original_positions = original_positions(s);
  rope.factor = stretch(s, rope);
  auto const or_default = [&](char const* field, double fallback) {  // 0 counts as absent
    auto const value = s.own.number(field, fallback, Null::as_absent);
    return value == 0 ? fallback : value;
  };
  rope.beta_fast = or_default("beta_fast", 32);
  rope.beta_slow = or_default("beta_slow", 1);
  for (auto const* field : {"beta_fast", "beta_slow"})
    if (s.own.number(field, 1, Null::as_absent) < 0) s.own.fail(field, "a positive number");
  rope.truncate = s.own.boolean("truncate", true);
  auto const mscale = s.own.number("mscale", 0, Null::as_absent),
             all_dim = s.own.number("mscale_all_dim", 0, Null::as_absent);
  rope.attention_factor = mscale != 0 && all_dim != 0
                              ? yarn_magnitude(rope.factor, mscale) / yarn_magnitude(rope.factor, all_dim)
                              : yarn_magnitude(rope.factor, 1);
  rope.attention_factor = s.own.number("attention_factor", rope.attention_factor, Null::as_absent);
}

void longrope(Source const& s, RopeSpec& rope) {
  rope.original_positions = original_positions(s);
  auto const table = [&](char const* field) {
    auto factors = s.own.numbers(field);
    if (static_cast<std::int64_t>(factors.size()) != rope.dim / 2)
      s.own.fail(field, fmt::format("{} numbers, one for each pair of dimensions", rope.dim / 2));
    for (auto const f : factors)
      if (!(f > 0)) s.own.fail(field, "positive numbers");
    return factors;
  };
  rope.short_factors = table("short_factor");
  rope.long_factors = table("long_factor");
  rope.factor = stretch(s, rope);
  auto const fallback =
      rope.factor <= 1
          ? 1.0
          : std::sqrt(1 + std::log(rope.factor) / std::log(static_cast<double>(rope.original_positions)));
  rope.attention_factor = rope.long_attention_factor =
      s.own.number("attention_factor", fallback, Null::as_absent);
}

void llama3(Source const& s, RopeSpec& rope) {
  rope.original_positions = original_positions(s);
  rope.factor = positive(s.own, "factor");
  rope.low_frequency = positive(s.own, "low_freq_factor");
  rope.high_frequency = positive(s.own, "high_freq_factor");
  if (rope.high_frequency <= rope.low_frequency)
    s.own.fail("high_freq_factor", fmt::format("more than low_freq_factor = {}", rope.low_frequency));
}

struct Type {
  char const* name;
  Scaling scaling;
  void (*read)(Source const&, RopeSpec&);
};
constexpr std::array types{
    Type{"default", Scaling::none, [](Source const&, RopeSpec&) {}},
    Type{"linear", Scaling::linear, linear},
    Type{"dynamic", Scaling::dynamic, dynamic},
    Type{"yarn", Scaling::yarn, yarn},
    Type{"longrope", Scaling::longrope, longrope},
    Type{"llama3", Scaling::llama3, llama3},
};

void read_scaling(Source const& s, RopeSpec& rope) {
  auto const name = s.own.text("rope_type", s.own.text("type", "default"));
  std::string known;
  for (auto const& type : types) {
    if (name == type.name) {
      rope.scaling = type.scaling;
      return type.read(s, rope);
    }
    known += (known.empty() ? "" : ", ") + std::string(type.name);
  }
  s.own.fail(s.own.has("rope_type") ? "rope_type" : "type", "one of " + known);
}

}  // namespace

double yarn_magnitude(double factor, double mscale) {
  return factor <= 1 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

std::optional<Config> rope_object(Config const& config) {
  auto published = config.object("rope_scaling");
  return published ? published : config.object("rope_parameters");
}

RopeSpec read_rope(Config const& config, std::int64_t head_dim, RopeDefaults const& defaults) {
  auto const found = rope_object(config);
  Config const own = found.value_or(config);
  // transformers 5 may hold one object per layer type; none of the families here does
  for (auto const* key : {"full_attention", "sliding_attention"})
    if (found && own.has(key)) own.fail(key, "one set of rope parameters for all layers");

  RopeSpec rope = found ? RopeSpec{} : defaults.scaling.value_or(RopeSpec{});
  // null at the top level is no value in the reference, in the rope object it is one
  auto const outer = config.number("rope_theta", defaults.theta, Null::as_absent);
  rope.theta = found ? own.number("rope_theta", outer) : outer;
  if (!(rope.theta > 1)) config.fail("rope_theta", fmt::format("a number above 1, not {}", rope.theta));

  bool const inside = found && own.holds("partial_rotary_factor");
  auto const& at = inside ? own : config;
  // null is an error in the rope object; outside it stands for whole heads, whatever share the family has
  auto const share = at.number("partial_rotary_factor", defaults.partial.value_or(1),
                               inside || defaults.partial ? Null::refused : Null::as_absent);
  if (!(share > 0 && share <= 1)) at.fail("partial_rotary_factor", "a number above 0 and at most 1");
  if (!defaults.partial && share != 1) at.fail("partial_rotary_factor", "1: this family rotates whole heads");
  rope.dim = static_cast<std::int64_t>(static_cast<double>(head_dim) * share);
  if (rope.dim < 1 || rope.rotated() > head_dim)
    config.fail("head_dim", fmt::format("a size of which {} dimensions can be rotated in pairs", rope.dim));

  if (found) read_scaling({config, own}, rope);
  if (rope.dim % 2 != 0 && (rope.scaling == Scaling::yarn || rope.scaling == Scaling::longrope))
    config.fail("head_dim", fmt::format("an even number of rotated dimensions, not {}", rope.dim));
  return rope;
}

}  // namespace moerae
