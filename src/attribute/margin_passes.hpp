#pragma once

#include <vector>

#include "attribute/margins.hpp"
#include "moerae/attribute/criterion.hpp"

namespace moerae {

/// A criterion that asks for many margins, and makes its passes of as many of them as options.batch_tokens
/// holds.
class MarginPasses : public CausalCriterion {
 public:
  explicit MarginPasses(AttributeSetting setting) : setting_(std::move(setting)) {}

  void begin(std::span<std::size_t const> prompts) final;
  [[nodiscard]] bool finished() const final { return next_ == asked_.size(); }
  void step() final;
  [[nodiscard]] Attributions const& found() const final { return found_; }

 protected:
  struct Asked {
    std::size_t prompt;          ///< of those begun with, 0..P-1
    std::int64_t condition = 0;  ///< row of the tables of the edits
    std::size_t tables = 0;      ///< which edits: a pass has one kind
  };
  /// All that is asked for P prompts, in order.
  [[nodiscard]] virtual std::vector<Asked> ask(std::size_t prompts) = 0;
  /// One pass, perhaps over nothing. Collective over the expert group.
  virtual void pass(Margins const& margins, std::span<Asked const> asked) = 0;
  /// Into drop of `found_`.
  [[nodiscard]] std::size_t cell(std::size_t prompt, std::size_t layer, std::size_t expert) const {
    return prompt * setting_.space.size() + setting_.space.index(layer, expert);
  }

  /// Margins [N] of a pass under these edits [layers], without gradient. Collective over the group.
  [[nodiscard]] torch::Tensor margins_under(std::vector<RouterEdit> const& edits,
                                            Margins const& margins) const;

  AttributeSetting setting_;
  Attributions found_;
  std::vector<std::size_t> prompts_;

 private:
  std::vector<Asked> asked_;
  std::size_t next_ = 0;
};

}  // namespace moerae
