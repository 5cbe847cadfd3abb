#include "moerae/store/attributions.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "moerae/base/check.hpp"
#include "moerae/store/publish.hpp"

namespace moerae::store {

void write_attributed(std::filesystem::path const& path, Attributed const& found,
                      Provenance const& provenance) {
  publish(path, [&](std::filesystem::path const& temporary) {
    auto file = File::create(temporary);
    write_provenance(file, provenance);
    std::uint64_t const prompts = found.prompt_id.size(), layers = found.layers.size(),
                        experts = static_cast<std::uint64_t>(found.experts);
    std::vector<std::int32_t> ids(experts);
    std::iota(ids.begin(), ids.end(), 0);
    file.write("prompt_id", found.prompt_id, {prompts});
    file.write("layer", found.layers, {layers});
    file.write("expert", ids, {experts});
    file.write("margin", found.margin, {prompts});
    file.attach_scale("margin", 0, "prompt_id", "prompt");
    file.set_attribute("margin", "unit", std::string("nat"));
    for (auto const& [criterion, values] : found.drop) {
      auto const name = "drop/" + criterion;
      file.write(name, values, {prompts, layers, experts},
                 {.chunk = {std::max<std::uint64_t>(prompts, 1), 1, experts}, .deflate = 1, .shuffle = true});
      file.attach_scale(name, 0, "prompt_id", "prompt");
      file.attach_scale(name, 1, "layer", "layer");
      file.attach_scale(name, 2, "expert", "expert");
      file.set_attribute(name, "unit", std::string("nat"));
    }
    mark_complete(file);
    file.close();
  });
}

AttributedReader AttributedReader::open(std::filesystem::path const& path) {
  AttributedReader reader(File::open(path));
  auto const& file = reader.file_;
  auto const schema = file.string_attribute("/", "schema");
  validate<DataError>(schema == attribution_schema, "{}: schema {} is not {}: no file of `moerae attribute`",
                      path.string(), schema, attribution_schema);
  validate<DataError>(file.has_attribute("/", "complete") && file.int_attribute("/", "complete") == 1,
                      "{}: not complete, its writer was stopped; delete it and repeat `moerae attribute`",
                      path.string());
  reader.stage_hash_ = file.string_attribute("/", "stage_hash");
  reader.layers_ = file.read<std::int32_t>("layer");
  reader.experts_ = static_cast<std::int32_t>(file.read<std::int32_t>("expert").size());
  reader.prompt_ids_ = file.read<std::uint64_t>("prompt_id");
  return reader;
}

std::vector<float> AttributedReader::drop(std::string const& criterion, std::size_t first,
                                          std::size_t n) const {
  auto const name = "drop/" + criterion;
  auto values = file_.read_block<float>(name, {0, first, 0},
                                        {prompt_ids_.size(), n, static_cast<std::uint64_t>(experts_)});
  validate<DataError>(std::ranges::all_of(values, [](float v) { return std::isfinite(v); }),
                      "{}: {}: a value is not finite; delete the file and repeat `moerae attribute`",
                      file_.path().string(), name);
  return values;
}

}  // namespace moerae::store
