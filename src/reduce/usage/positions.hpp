#pragma once

#include <array>
#include <string>

namespace moerae {

/// Which positions of a prompt count. Template tokens are the same in every prompt and dominate short ones.
struct Positions {
  std::string name;                  ///< content | template | prompt | response | prefill | all | last
  std::array<bool, 3> classes = {};  ///< template, prompt, response: usage of these classes
  bool last = false;     ///< the last token before the response only (its output is the first reply token):
                         ///< needs recorded routing
  std::string key = {};  ///< of the study that asks for them
  /// A criterion of `attribute`: not usage at positions, but what masking the experts takes off the margin of
  /// the prompt, which counts as one.
  std::string drop = {};
};

/// template = tokens that are the same in every prompt, in another context; prefill = template + prompt (no
/// token of a reply is input yet), content = prompt + response, all = the three classes; the names of the
/// criteria of `attribute` stand for their drops. Throws ConfigError that names the key and the known values.
[[nodiscard]] Positions parse_positions(std::string const& key, std::string const& name);

}  // namespace moerae
