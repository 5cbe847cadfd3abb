#pragma once

namespace moerae {

/// What reads a study, as bits of a set.
using Stages = unsigned;
namespace stage {
inline constexpr Stages none = 0, plan = 1, record = 2, reduce = 4, verify = 8, evaluate = 16, attribute = 32,
                        tune = 64, exports = 128;
}

/// What a key is to the stages. A key whose `bits` are forgotten would let a stage answer "nothing to do"
/// when it is changed: tests/app/inputs_test.cpp asks of every row what it says.
struct Use {
  Stages reads = stage::none;     ///< their help shows it
  Stages bits = stage::none;      ///< it decides bits of their results: it is one of their inputs
  Stages required = stage::none;  ///< they cannot do without
  char const* input = "";         ///< the name of the input, where it is not that of the key: what was found
                                  ///< behind the path stands for it
};

}  // namespace moerae
