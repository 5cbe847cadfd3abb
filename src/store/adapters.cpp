#include "moerae/store/adapters.hpp"

#include <algorithm>
#include <cmath>

#include "moerae/base/check.hpp"
#include "moerae/store/publish.hpp"

namespace moerae::store {

void write_adapter(std::filesystem::path const& path, AdapterInfo const& info, AdapterTensors const& tensors,
                   Provenance const& provenance) {
  publish(path, [&](std::filesystem::path const& temporary) {
    auto file = File::create(temporary);
    write_provenance(file, provenance);
    file.set_attribute("/", "method", info.method);
    file.set_attribute("/", "scale", info.scale);
    file.set_attribute("/", "step", info.step);
    std::uint64_t const n = info.experts.size();
    std::vector<std::int32_t> layer, expert;
    for (auto const& key : info.experts) {
      layer.push_back(key.layer.value);
      expert.push_back(key.expert.value);
    }
    file.write("layer", layer, {n});
    file.write("expert", expert, {n});
    file.write("tokens", info.tokens, {n});
    for (auto const& [name, tensor] : tensors) file.write(name, tensor.values, tensor.shape);
    for (auto const& [name, values] : info.norms) file.write("norm/" + name, values, {n});
    for (auto const& [name, values] : info.history) file.write("history/" + name, values, {values.size()});
    mark_complete(file);
    file.close();
  });
}

AdapterReader AdapterReader::open(std::filesystem::path const& path) {
  AdapterReader reader(File::open(path));
  auto const& file = reader.file_;
  auto const name = path.string();
  auto const schema = file.has_attribute("/", "schema") ? file.string_attribute("/", "schema") : "none";
  validate<DataError>(schema == adapter_schema, "{}: schema {} is not {}: no adapter of `moerae tune`", name,
                      schema, adapter_schema);
  validate<DataError>(file.has_attribute("/", "complete") && file.int_attribute("/", "complete") == 1,
                      "{}: not complete, its writer was stopped; delete it and repeat `moerae tune`", name);
  auto& info = reader.info_;
  reader.stage_hash_ = file.string_attribute("/", "stage_hash");
  reader.weights_hash_ = file.string_attribute("/", "weights_hash");
  info.method = file.string_attribute("/", "method");
  info.scale = file.double_attribute("/", "scale");
  info.step = file.int_attribute("/", "step");
  auto const layer = file.read<std::int32_t>("layer"), expert = file.read<std::int32_t>("expert");
  validate<DataError>(!layer.empty() && layer.size() == expert.size(),
                      "{}: layer has {} entries and expert {}; both name the experts that were trained", name,
                      layer.size(), expert.size());
  for (std::size_t i = 0; i < layer.size(); ++i)
    info.experts.push_back({LayerId(layer[i]), ExpertId(expert[i])});
  validate<DataError>(std::ranges::is_sorted(info.experts, std::ranges::less_equal{}) && layer[0] >= 0,
                      "{}: its experts are not ascending by (layer, expert), each once", name);
  info.tokens = file.read<std::int64_t>("tokens");
  for (auto const& dataset : file.datasets())
    if (dataset.starts_with("history/"))
      info.history[dataset.substr(8)] = file.read<double>(dataset);
    else if (dataset.starts_with("norm/"))
      info.norms[dataset.substr(5)] = file.read<double>(dataset);
  for (auto const& dataset : file.datasets())
    if (dataset.starts_with("gate_up/") || dataset.starts_with("down/")) {
      auto const shape = file.shape(dataset);
      validate<DataError>(shape.size() == 3 && shape[0] == layer.size(),
                          "{}: {} is not [{} experts, out, in]", name, dataset, layer.size());
    }
  return reader;
}

std::vector<std::uint64_t> AdapterReader::shape(std::string const& name) const {
  auto shape = file_.shape(name);
  shape.erase(shape.begin());
  return shape;
}

std::vector<float> AdapterReader::tensor(std::string const& name, std::size_t i) const {
  auto values = file_.read_rows<float>(name, i, 1);
  validate<DataError>(
      std::ranges::all_of(values, [](float v) { return std::isfinite(v); }),
      "{}: {}: a value of expert {} in layer {} is not finite; the file is damaged: delete it and "
      "repeat `moerae tune`",
      file_.path().string(), name, info_.experts[i].expert.value, info_.experts[i].layer.value);
  return values;
}

}  // namespace moerae::store
