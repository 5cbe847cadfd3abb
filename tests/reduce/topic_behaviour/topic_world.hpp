#pragma once

#include <cmath>
#include <vector>

#include "moerae/base/random.hpp"
#include "reduce/usage/usage_table.hpp"

namespace moerae::test {

/// Made usage of two groups, a and b, in which topic and behaviour shift the experts by known amounts; top-1.
/// Cluster c has topic c mod topics and prompts in both groups.
struct TopicWorld {
  int clusters = 80, topics = 4, layers = 3, experts = 8;
  double topic_effect = 0, behaviour_effect = 0, cluster_effect = 0;  ///< on the log of a share
  double goal_effect = 0;  ///< the same for both groups of a cluster
  int tokens = 60;
  std::uint64_t seed = 1;

  [[nodiscard]] double gauss(std::uint32_t stream, std::uint32_t a, std::uint32_t b) const {
    double sum = 0;  // Irwin-Hall
    for (std::uint32_t i = 0; i < 12; ++i)
      sum += std::ldexp(static_cast<double>(random_bits(seed * 100 + i, stream, a, b)), -64);
    return sum - 6;
  }

  /// [L*K]; sums to 1 in a layer. cluster < 0: of the topic as a whole.
  [[nodiscard]] std::vector<double> shares(int side, int topic, int cluster) const {
    std::vector<double> out;
    auto const u = [](int i) { return static_cast<std::uint32_t>(i); };
    for (int l = 0; l < layers; ++l) {
      double sum = 0;
      for (int e = 0; e < experts; ++e) {
        double log = topic_effect * gauss(1, u(topic), u(l * experts + e));
        if (e == 2) log += side == 0 ? behaviour_effect : -behaviour_effect;
        if (cluster >= 0) log += cluster_effect * gauss(2, u(2 * cluster + side), u(l * experts + e));
        if (cluster >= 0) log += goal_effect * gauss(4, u(cluster), u(l * experts + e));
        out.push_back(std::exp(log));
        sum += out.back();
      }
      for (int e = 0; e < experts; ++e) out[out.size() - 1 - static_cast<std::size_t>(e)] /= sum;
    }
    return out;
  }

  [[nodiscard]] ExpertSpace space() const {
    ExpertSpace s{{}, experts, 1};
    for (int l = 0; l < layers; ++l) s.layers.push_back(2 * l + 1);
    return s;
  }

  /// Group 0 (a) or 1 (b).
  [[nodiscard]] UsageTable table(int side) const {
    std::vector<std::int64_t> ids;
    for (int c = 0; c < clusters; ++c) ids.push_back(10 + 3 * c);
    UsageTable out(side == 0 ? "harm" : "help", space(), ids);
    for (int c = 0; c < clusters; ++c) {
      auto const row = static_cast<std::size_t>(c);
      out.topic[row] = c % topics;
      out.tokens[row] = tokens;
      auto const p = shares(side, c % topics, c);
      for (int l = 0; l < layers; ++l)
        for (int t = 0; t < tokens; ++t) {
          auto const bits = random_bits(seed, 3, static_cast<std::uint32_t>(2 * c + side),
                                        static_cast<std::uint32_t>(l * tokens + t));
          double left = std::ldexp(static_cast<double>(bits), -64);
          auto e = static_cast<std::size_t>(l * experts);
          for (auto const last = e + static_cast<std::size_t>(experts) - 1; e < last && left >= p[e]; ++e)
            left -= p[e];
          ++out.count[row * out.space.size() + e];
        }
    }
    return out;
  }
};

/// Layers first .. first + number - 1 of a table.
[[nodiscard]] inline UsageTable tile_of(UsageTable const& table, std::size_t first, std::size_t number) {
  auto const k = static_cast<std::size_t>(table.space.experts), size = table.space.size();
  UsageTable out = table;
  out.space.layers.assign(table.space.layers.begin() + static_cast<std::ptrdiff_t>(first),
                          table.space.layers.begin() + static_cast<std::ptrdiff_t>(first + number));
  out.count.clear();
  out.mass.clear();
  for (std::size_t c = 0; c < table.clusters.size(); ++c)
    for (std::size_t e = first * k; e < (first + number) * k; ++e) {
      out.count.push_back(table.count[c * size + e]);
      out.mass.push_back(table.mass[c * size + e]);
    }
  return out;
}

}  // namespace moerae::test
