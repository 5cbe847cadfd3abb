#include "moerae/store/scores.hpp"

#include <algorithm>
#include <numeric>

namespace moerae::store {

ScoreFile::ScoreFile(File& file, std::vector<std::int32_t> const& layers, std::int32_t experts)
    : file_(file), layers_(layers.size()), experts_(static_cast<std::uint64_t>(experts)) {
  std::vector<std::int32_t> numbers(experts_);
  std::iota(numbers.begin(), numbers.end(), 0);
  file_.write("layer", layers, {layers_});
  file_.write("expert", numbers, {experts_});
}

void ScoreFile::attach(std::string const& name, unsigned axis) {
  file_.attach_scale(name, axis, "layer", "layer");
  file_.attach_scale(name, axis + 1, "expert", "expert");
}

void ScoreFile::per_expert(std::string const& name, std::vector<double> const& values) {
  file_.write(name, values, {layers_, experts_});
  attach(name, 0);
}

void ScoreFile::per_layer(std::string const& name, std::vector<double> const& values) {
  file_.write(name, values, {layers_});
  file_.attach_scale(name, 0, "layer", "layer");
}

void ScoreFile::by_size(std::string const& name, std::string const& values_name,
                        std::vector<std::int32_t> const& sizes, std::vector<double> const& values) {
  auto const n = std::uint64_t{sizes.size()};
  auto const dataset = name + "/" + values_name;
  file_.write(name + "/size", sizes, {n});
  file_.write(dataset, values, {n, layers_, experts_});
  file_.attach_scale(dataset, 0, name + "/size", "size");
  attach(dataset, 1);
}

void ScoreFile::write_test(std::string const& folder, ScoreTest const& test) {
  auto const score = folder + "/score";
  file_.set_attribute(score, "test", test.statistic);
  file_.set_attribute(score, "units", test.units);
  file_.set_attribute(score, "pairs", test.pairs);
  file_.set_attribute(score, "movable", test.movable);
  if (!test.refused.empty()) return file_.set_attribute(score, "significance_refused", test.refused);
  file_.set_attribute(score, "permutations", test.permutations);
  file_.set_attribute(score, "smallest_p", test.smallest_p);
  if (test.lambda > 0) file_.set_attribute(score, "lambda", test.lambda);
  per_expert(folder + "/p_adjusted", test.p_adjusted);
  per_expert(folder + "/q", test.q);
}

void ScoreFile::write(StoredScore const& score) {
  auto const folder = "contrast/" + score.criterion + "/" + score.of;
  per_expert(folder + "/score", score.values);
  file_.set_attribute(folder + "/score", "positions", score.positions);
  if (score.test) write_test(folder, *score.test);
  if (!score.divergence.empty()) per_layer(folder + "/divergence", score.divergence);
}

}  // namespace moerae::store
