#include "moerae/reduce/topic_behaviour/topic_table.hpp"

#include <fmt/format.h>

#include <numbers>

namespace moerae {
namespace {

std::string estimate(Estimate const& e, double unit) {
  return fmt::format("{:.4f} [{:.4f}, {:.4f}]", e.value / unit, e.low / unit, e.high / unit);
}

void write_figures(store::File& file, std::string const& prefix, std::string const& main,
                   TopicFigures const& figures) {
  auto const layers = std::uint64_t{figures.layer.size()};
  auto const write = [&](std::string const& name, std::vector<double> const& values) {
    file.write(name, values, {layers});
    file.attach_scale(name, 0, "layer", "layer");
  };
  auto const part = [&](double Estimate::*member) {
    std::vector<double> values;
    for (auto const& e : figures.layer) values.push_back(e.*member);
    return values;
  };
  write(main, part(&Estimate::value));
  write(prefix + "_low", part(&Estimate::low));
  write(prefix + "_high", part(&Estimate::high));
  write(prefix + "_equal", figures.equal);
  file.set_attribute(main, "mean", figures.mean.value);
  file.set_attribute(main, "low", figures.mean.low);
  file.set_attribute(main, "high", figures.mean.high);
  file.set_attribute(main, "equal", figures.mean_equal);
  if (figures.floor.empty()) return;
  write(prefix + "_floor", figures.floor);
  file.set_attribute(main, "floor", figures.mean_floor.value);
  file.set_attribute(main, "floor_low", figures.mean_floor.low);
  file.set_attribute(main, "floor_high", figures.mean_floor.high);
}

}  // namespace

std::vector<std::string> describe(TopicTable const& table) {
  std::vector<std::string> lines{
      fmt::format("{:<18} {:<26} {:<26} {:>8} {:>26} {:>9} {:>9} {:>6} {:>8} {:>17}", "JS, mean over layers",
                  "nats [95 %]", "bits [95 %]", "at size", "noise floor there [range]",
                  fmt::format("top-{}", table.top_k), "its floor", "n", "clusters", "tokens a side")};
  for (auto const& [facts, js, overlap] : table.rows) {
    bool const floor = !js.floor.empty();
    lines.push_back(fmt::format(
        "{:<20} {:<26} {:<26} {:>8.4f} {:>26} {:>9.2f} {:>9} {:>6} {:>8.0f} {:>17}  {}", facts.name,
        estimate(js.mean, 1), estimate(js.mean, std::numbers::ln2), js.mean_equal,
        floor ? estimate(js.mean_floor, 1) : "none", overlap.mean.value,
        floor ? fmt::format("{:.2f}", overlap.mean_floor.value) : "none", facts.comparisons,
        facts.clusters[0], fmt::format("{:.0f} / {:.0f}", facts.tokens[0], facts.tokens[1]), facts.of));
  }
  for (auto const& reason : table.absent) lines.push_back("absent: " + reason);
  return lines;
}

void write_topic_table(store::File& file, std::string const& folder, TopicTable const& table) {
  for (auto const& [facts, js, overlap] : table.rows) {
    auto const row = folder + "/" + facts.name;
    write_figures(file, row + "/js", row + "/js_nats", js);
    write_figures(file, row + "/overlap", row + "/overlap", overlap);
    file.set_attribute(row + "/js_nats", "of", facts.of);
    file.set_attribute(row + "/js_nats", "comparisons", facts.comparisons);
    file.set_attribute(row + "/js_nats", "clusters_a", facts.clusters[0]);
    file.set_attribute(row + "/js_nats", "clusters_b", facts.clusters[1]);
    file.set_attribute(row + "/js_nats", "tokens_a", facts.tokens[0]);
    file.set_attribute(row + "/js_nats", "tokens_b", facts.tokens[1]);
    file.set_attribute(row + "/overlap", "top_k", table.top_k);
  }
}

}  // namespace moerae
