#include "attribute/mask_attribution.hpp"
#include "attribute/random_mask.hpp"
#include "attribute/single_mask.hpp"

namespace moerae {

std::unique_ptr<CausalCriterion> make_criterion(Causal which, AttributeSetting const& setting) {
  switch (which) {
    case Causal::mask_attribution:
      return std::make_unique<MaskAttribution>(setting);
    case Causal::single_mask:
      return std::make_unique<SingleMask>(setting);
    case Causal::random_mask:
      return std::make_unique<RandomMask>(setting);
  }
  throw std::logic_error("a criterion without a row");
}

}  // namespace moerae
