#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "reduce/controls/controls.hpp"

namespace moerae::controls {

/// One quantity that controls are matched in.
struct Quantity {
  std::string name;           ///< "usage regular"
  std::vector<double> value;  ///< [L*K]
  double least = 0;           ///< half of one selection: what counts as none
  [[nodiscard]] double at(std::size_t expert) const { return std::max(value[expert], least); }
};

/// Usage and gate mass of the evaluated, then of the benign set.
struct Target {
  ExpertSpace space;
  std::vector<std::size_t> set;       ///< ascending
  std::vector<std::size_t> left_out;  ///< ascending: in no control
  std::vector<Quantity> quantities;
  static constexpr std::size_t dose = 1;  ///< gate mass on the evaluated set

  [[nodiscard]] std::size_t layer_of(std::size_t expert) const {
    return expert / static_cast<std::size_t>(space.experts);
  }
  /// Whether a control may hold the expert.
  [[nodiscard]] bool free(std::size_t expert) const {
    return !std::ranges::binary_search(set, expert) && !std::ranges::binary_search(left_out, expert);
  }
};

/// Random integers of one draw, one after another.
class Draws {
 public:
  Draws(std::uint64_t seed, std::string const& name, std::uint32_t kind, std::uint32_t control,
        std::uint32_t draw);
  [[nodiscard]] std::size_t below(std::size_t n);
  template <class T>
  void shuffle(std::vector<T>& values) {  // Fisher-Yates
    for (auto i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

 private:
  std::uint64_t key_;
  std::uint32_t step_ = 0;
};

inline constexpr double widest_total = 1.1, least_total = .9;
[[nodiscard]] inline bool agrees(double ratio) {
  return ratio >= least_total && ratio <= widest_total;
}

/// Total of the chosen over that of the set.
[[nodiscard]] double ratio_of(Target const& target, Quantity const& quantity,
                              std::span<std::size_t const> chosen);

/// Candidates of every member of a set, nearest first.
class Neighbours {
 public:
  explicit Neighbours(Target const& target);
  /// One control: ascending experts.
  [[nodiscard]] std::vector<std::size_t> draw(Draws draws) const;

 private:
  struct Candidate {
    double distance;
    std::size_t expert;
  };
  std::size_t experts_;  // of the model
  std::vector<std::vector<Candidate>> of_member_;
};

/// Others of the set's layers in random order until the gate mass is reached; one is passed over when it
/// would lead beyond 1.1 of it or leave fewer than k experts of its layer.
[[nodiscard]] std::vector<std::size_t> draw_dose(Target const& target, Draws draws);

/// The most used others by the benign set, as many in each layer as the set has, or all there are.
[[nodiscard]] std::vector<std::size_t> benign_top(Target const& target, SetUsage const& benign);

}  // namespace moerae::controls
