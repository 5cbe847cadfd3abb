#include "moerae/base/check.hpp"
#include "reduce/contrast/criteria.hpp"
#include "reduce/results/scores.hpp"

namespace moerae {
namespace {

// The two scales of every score, and its shape.
class ScoreFile {
 public:
  ScoreFile(store::File& file, ExpertSpace const& space) : file_(file), layers_(space.layers.size()) {
    std::vector<std::int32_t> expert;
    for (std::int32_t e = 0; e < space.experts; ++e) expert.push_back(e);
    experts_ = expert.size();
    file_.write("layer", space.layers, {layers_});
    file_.write("expert", expert, {experts_});
  }
  void per_expert(std::string const& name, std::vector<double> const& values) {
    file_.write(name, values, {layers_, experts_});
    attach(name, 0);
  }
  void per_layer(std::string const& name, std::vector<double> const& values) {
    file_.write(name, values, {layers_});
    file_.attach_scale(name, 0, "layer", "layer");
  }
  void positions(std::string const& name, std::string const& positions) {
    file_.set_attribute(name, "positions", positions);
  }
  void significance(std::string const& folder, Significance const& test) {
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
  // What the bounds of a selection need, and where experts competed.
  void rule(std::string const& name, Stability const& stability) {
    auto const& rule = stability.rule;
    file_.set_attribute(name, "top", stability.top);
    file_.set_attribute(name, "scope", std::string(rule.scope == Scope::model ? "model" : "layer"));
    file_.set_attribute(name, "threshold", rule.threshold);
    file_.set_attribute(name, "samples", rule.samples);
  }
  void path(std::string const& name, Stability const& stability) {
    auto const sizes = std::uint64_t{stability.sizes.size()};
    file_.write(name + "/size", stability.sizes, {sizes});
    file_.write(name + "/frequency", stability.path_frequency(), {sizes, layers_, experts_});
    file_.attach_scale(name + "/frequency", 0, name + "/size", "size");
    attach(name + "/frequency", 1);
  }

 private:
  void attach(std::string const& name, unsigned axis) {
    file_.attach_scale(name, axis, "layer", "layer");
    file_.attach_scale(name, axis + 1, "expert", "expert");
  }
  store::File& file_;
  std::uint64_t layers_, experts_ = 0;
};

}  // namespace

void write_scores(std::filesystem::path const& path, Scores const& scores,
                  store::Provenance const& provenance) {
  auto file = store::File::create(path);
  ScoreFile out(file, scores.space);
  for (auto const& [set, stability] : scores.ses) {
    out.per_expert("ses/" + set + "/frequency", stability.frequency());
    out.rule("ses/" + set + "/frequency", stability);
    if (auto const usage = scores.usage.find(set); usage != scores.usage.end()) {
      out.per_expert("ses/" + set + "/usage", usage->second);
      out.per_expert("ses/" + set + "/usage_low", scores.intervals.at(set).low);
      out.per_expert("ses/" + set + "/usage_high", scores.intervals.at(set).high);
    }
    out.path("ses/" + set + "/path", stability);
  }
  for (auto const& [name, score] : scores.contrasts) {
    auto const folder = "contrast/" + name.first + "/" + name.second;
    out.per_expert(folder + "/score", score.score);
    out.positions(folder + "/score", score.positions);
    if (score.significance) out.significance(folder, *score.significance);
    if (!score.divergence.empty()) out.per_layer(folder + "/divergence", score.divergence);
  }
  for (auto const& [set, esft] : scores.esft) {
    out.per_expert("esft/" + set + "/token", esft.token);
    out.per_expert("esft/" + set + "/gate", esft.gate);
  }
  for (auto const& [comparison, counts] : scores.topics) counts.write(file, "topic_behaviour/" + comparison);
  for (auto const& [comparison, rows] : scores.replication) write_replication(file, comparison, rows);
  store::write_provenance(file, provenance);
  store::mark_complete(file);
  file.close();
}

}  // namespace moerae
