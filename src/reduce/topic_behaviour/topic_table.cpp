#include "reduce/topic_behaviour/topic_table.hpp"

namespace moerae {
namespace {

/// Datasets of one quantity, all with attributes of the summary at `row`/js_nats.
class RowFile {
 public:
  RowFile(store::File& file, std::string row) : file_(file), row_(std::move(row)) {}

  void per_layer(std::string const& name, std::vector<double> const& values) {
    auto const path = row_ + "/" + name;
    file_.write(path, values, {values.size()});
    file_.attach_scale(path, 0, "layer", "layer");
  }
  void per_layer(std::string const& name, TopicFigures const& figures, double Estimate::*member) {
    std::vector<double> values;
    for (auto const& e : figures.layer) values.push_back(e.*member);
    per_layer(name, values);
  }
  template <class T>
  void attribute(std::string const& name, T const& value) {
    file_.set_attribute(row_ + "/js_nats", name, value);
  }

 private:
  store::File& file_;
  std::string row_;
};

void write_js(RowFile& out, TopicFigures const& js) {
  out.per_layer("js_nats", js, &Estimate::value);
  out.per_layer("js_low", js, &Estimate::low);
  out.per_layer("js_high", js, &Estimate::high);
  out.per_layer("js_equal", js.equal);
  out.attribute("mean", js.mean.value);
  out.attribute("low", js.mean.low);
  out.attribute("high", js.mean.high);
  out.attribute("equal", js.mean_equal);
  if (js.floor.empty()) return;
  out.per_layer("floor", js.floor);
  out.attribute("floor", js.mean_floor.value);
  out.attribute("floor_low", js.mean_floor.low);
  out.attribute("floor_high", js.mean_floor.high);
}

void write_overlap(RowFile& out, TopicFigures const& overlap) {
  out.per_layer("overlap", overlap, &Estimate::value);
  out.per_layer("overlap_low", overlap, &Estimate::low);
  out.per_layer("overlap_high", overlap, &Estimate::high);
  out.per_layer("overlap_equal", overlap.equal);
  out.attribute("overlap", overlap.mean.value);
  out.attribute("overlap_low", overlap.mean.low);
  out.attribute("overlap_high", overlap.mean.high);
  out.attribute("overlap_equal", overlap.mean_equal);
  if (overlap.floor.empty()) return;
  out.per_layer("overlap_floor", overlap.floor);
  out.attribute("overlap_floor", overlap.mean_floor.value);
}

}  // namespace

void write_topic_table(store::File& file, std::string const& folder, TopicTable const& table) {
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    auto const& [facts, js, overlap] = table.rows[i];
    RowFile out(file, folder + "/" + facts.name);
    write_js(out, js);
    write_overlap(out, overlap);
    out.attribute("of", facts.of);
    out.attribute("comparisons", facts.comparisons);
    out.attribute("clusters_a", facts.clusters[0]);
    out.attribute("clusters_b", facts.clusters[1]);
    out.attribute("tokens_a", facts.tokens[0]);
    out.attribute("tokens_b", facts.tokens[1]);
    out.attribute("top_k", table.top_k);
    if (i == 0) out.attribute("absent", table.absent);
  }
}

}  // namespace moerae
