#include "moerae/base/check.hpp"
#include "moerae/reduce/contrast/criteria.hpp"
#include "moerae/reduce/scores.hpp"

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
    if (name.first == "js")
      out.per_layer(folder + "/divergence", contrast::js_of_layers(scores.space, score.score));
  }
  for (auto const& [set, esft] : scores.esft) {
    out.per_expert("esft/" + set + "/token", esft.token);
    out.per_expert("esft/" + set + "/gate", esft.gate);
  }
  store::write_provenance(file, provenance);
  store::mark_complete(file);
  file.close();
}

}  // namespace moerae
