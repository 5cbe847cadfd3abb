#include "moerae/model/rope.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace moerae {
namespace {

using Scaling = RopeSpec::Scaling;

torch::Tensor default_frequencies(double theta, std::int64_t dim) {
  auto const exponent = torch::arange(0, dim, 2, torch::kFloat32) / static_cast<double>(dim);
  return 1.0 / torch::pow(theta, exponent);  // [dim / 2]
}

torch::Tensor yarn(RopeSpec const& s) {
  auto const dimension_of = [&](double rotations) {  // that makes so many turns over the length trained on
    return static_cast<double>(s.dim) *
           std::log(static_cast<double>(s.original_positions) / (rotations * 2 * std::numbers::pi)) /
           (2 * std::log(s.theta));
  };
  double low = dimension_of(s.beta_fast), high = dimension_of(s.beta_slow);
  if (s.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(s.dim - 1));
  if (low == high) high += 0.001;
  auto const ramp = ((torch::arange(s.dim / 2, torch::kFloat32) - low) / (high - low)).clamp(0, 1);
  auto const keep = 1 - ramp;
  auto const position =
      torch::pow(s.theta, torch::arange(0, s.dim, 2, torch::kFloat32) / static_cast<double>(s.dim));
  return 1.0 / (s.factor * position) * (1 - keep) + 1.0 / position * keep;
}

torch::Tensor llama3(RopeSpec const& s) {
  auto const plain = default_frequencies(s.theta, s.dim);
  auto const old = static_cast<double>(s.original_positions);
  auto const wavelength = 2 * std::numbers::pi / plain;
  double const longest = old / s.low_frequency, shortest = old / s.high_frequency;
  auto const scaled = torch::where(wavelength > longest, plain / s.factor, plain);
  auto const smooth = (old / wavelength - s.low_frequency) / (s.high_frequency - s.low_frequency);
  auto const between = (1 - smooth) * scaled / s.factor + smooth * scaled;
  return torch::where((wavelength >= shortest) & (wavelength <= longest), between, scaled);
}

torch::Tensor longrope(RopeSpec const& s, std::vector<double> const& factors) {
  auto const stretch = torch::tensor(factors, torch::kFloat64).to(torch::kFloat32);
  return 1.0 / (stretch * torch::pow(s.theta, torch::arange(0, s.dim, 2, torch::kFloat32) /
                                                  static_cast<double>(s.dim)));
}

bool depends_on_length(RopeSpec const& spec) {
  return spec.scaling == Scaling::dynamic || spec.scaling == Scaling::longrope;
}

}  // namespace

RopeFrequencies rope_frequencies(RopeSpec const& s, std::int64_t length) {
  switch (s.scaling) {
    case Scaling::none:
      break;
    case Scaling::linear:
      return {default_frequencies(s.theta, s.dim) / s.factor, s.attention_factor};
    case Scaling::dynamic: {
      auto const old = static_cast<double>(s.original_positions);
      auto const reach = std::max(static_cast<double>(length), old);
      auto const stretch = s.factor * reach / old - (s.factor - 1);
      auto const dim = static_cast<double>(s.dim);
      return {default_frequencies(s.theta * std::pow(stretch, dim / (dim - 2)), s.dim), s.attention_factor};
    }
    case Scaling::yarn:
      return {yarn(s), s.attention_factor};
    case Scaling::longrope: {
      bool const beyond = length > s.original_positions;
      return {longrope(s, beyond ? s.long_factors : s.short_factors),
              beyond ? s.long_attention_factor : s.attention_factor};
    }
    case Scaling::llama3:
      return {llama3(s), s.attention_factor};
  }
  return {default_frequencies(s.theta, s.dim), 1};
}

Rope::Rope(RopeSpec const& spec, Rows const& rows, torch::Dtype dtype) : spec_(spec) {
  std::vector<torch::Tensor> cos, sin;
  auto const add = [&](torch::Tensor const& positions, std::int64_t length) {
    auto const [inverse, factor] = rope_frequencies(spec, length);
    auto const angle =
        positions.to(torch::kFloat32).unsqueeze(-1) * inverse.to(positions.device());  // [T, dim / 2]
    cos.push_back(angle.cos() * factor);
    sin.push_back(angle.sin() * factor);
  };
  if (depends_on_length(spec) && !rows.sequences.empty()) {
    for (auto const& sequence : rows.sequences)
      add(rows.positions.narrow(0, sequence.first, sequence.count), sequence.reached());
  } else {
    add(rows.positions, 0);
  }
  cos_ = torch::cat(cos).unsqueeze(1).to(dtype);
  sin_ = torch::cat(sin).unsqueeze(1).to(dtype);
}

Rope const& RopeTables::of(RopeSpec const& spec, Rows const& rows, torch::Dtype dtype) {
  for (auto const& rope : made_)
    if (rope.spec() == spec) return rope;
  return made_.emplace_back(spec, rows, dtype);
}

torch::Tensor Rope::operator()(torch::Tensor const& x) const {
  auto const turned = x.narrow(-1, 0, spec_.rotated());
  auto const rest = x.narrow(-1, spec_.rotated(), x.size(-1) - spec_.rotated());
  if (spec_.interleaved) {
    auto const pairs = turned.unflatten(-1, {-1, 2});
    auto const a = pairs.select(-1, 0), b = pairs.select(-1, 1);
    auto const out = torch::stack({a * cos_ - b * sin_, a * sin_ + b * cos_}, -1).flatten(-2);
    return torch::cat({out, rest}, -1);
  }
  auto const half = spec_.rotated() / 2;
  auto const a = turned.narrow(-1, 0, half), b = turned.narrow(-1, half, half);
  return torch::cat({a * cos_ - b * sin_, b * cos_ + a * sin_, rest}, -1);
}

}  // namespace moerae
