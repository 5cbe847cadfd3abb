#pragma once

#include <array>
#include <string>

namespace moerae {

/// Which positions of a prompt count. Template tokens are the same in every prompt and dominate short ones.
struct Positions {
  std::string name;                  ///< content | prompt | response | all | last
  std::array<bool, 3> classes = {};  ///< template, prompt, response: usage of these classes
  bool last = false;  ///< the last token before the response only (its output is the first reply token):
                      ///< needs recorded routing
};

/// content = prompt + response, all = the three classes. Throws ConfigError that lists the known names.
[[nodiscard]] Positions parse_positions(std::string const& name);

}  // namespace moerae
