#include "moerae/record/shard_reader.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>

#include "moerae/base/check.hpp"
#include "moerae/corpus/corpus.hpp"
#include "moerae/record/shard_record.hpp"
#include "record/half.hpp"

namespace moerae {
namespace {

constexpr std::uint64_t classes = position_class_names.size();
constexpr char const* remedy = "delete it and repeat `moerae record`";

}  // namespace

void ShardReader::check_shape(std::string const& name, std::vector<std::uint64_t> const& expected) const {
  auto const shape = file_.shape(name);
  validate<DataError>(shape == expected, "{}: {} has shape [{}], expected [{}]; the shard is damaged: {}",
                      file_.path().string(), name, fmt::join(shape, ", "), fmt::join(expected, ", "), remedy);
}

ShardReader ShardReader::open(std::filesystem::path const& path) {
  ShardReader reader(store::File::open(path));
  auto const& file = reader.file_;
  auto const name = path.string();
  auto const schema = file.string_attribute("/", "schema");
  validate<DataError>(schema == routing_schema, "{}: schema {} is not {}: not a shard of a record", name,
                      schema, routing_schema);
  validate<DataError>(file.has_attribute("/", "complete") && file.int_attribute("/", "complete") == 1,
                      "{}: not complete, its writer was stopped; {}", name, remedy);
  reader.read_axes();
  reader.read_routing_axes();
  return reader;
}

void ShardReader::read_axes() {
  auto const name = file_.path().string();
  stage_hash_ = file_.string_attribute("/", "stage_hash");
  model_id_ = file_.string_attribute("/", "model_id");
  auto const experts = file_.int_attribute("/", "experts"), top_k = file_.int_attribute("/", "top_k");
  validate<DataError>(experts >= 1 && experts <= 65536 && top_k >= 1 && top_k <= experts,
                      "{}: {} experts of which {} are selected cannot be; {}", name, experts, top_k, remedy);
  space_ = {file_.read<std::int32_t>("layer"), static_cast<std::int32_t>(experts),
            static_cast<std::int32_t>(top_k)};
  validate<DataError>(
      !space_.layers.empty() &&
          std::ranges::adjacent_find(space_.layers, std::greater_equal{}) == space_.layers.end(),
      "{}: decoder indices in `layer` must ascend; {}", name, remedy);
  prompt_ids_ = file_.read<std::uint64_t>("prompt_id");
  auto const prompts = std::uint64_t{prompt_ids_.size()};
  auto const layers = std::uint64_t{space_.layers.size()}, width = static_cast<std::uint64_t>(experts);
  check_shape("usage/tokens", {prompts, classes});
  check_shape("usage/count", {prompts, classes, layers, width});
  check_shape("usage/gate_mass", {prompts, classes, layers, width});
}

void ShardReader::read_routing_axes() {
  if (!file_.has("routing/expert")) return;
  offset_ = file_.read<std::int64_t>("routing/offset");
  check_shape("routing/offset", {prompt_ids_.size() + 1});
  validate<DataError>(offset_.front() == 0 && std::ranges::is_sorted(offset_),
                      "{}: routing/offset must rise from 0; {}", file_.path().string(), remedy);
  std::vector<std::uint64_t> const shape = {static_cast<std::uint64_t>(offset_.back()), space_.layers.size(),
                                            static_cast<std::uint64_t>(space_.top_k)};
  check_shape("routing/expert", shape);
  check_shape("routing/weight", shape);
}

std::vector<float> ShardReader::largest_output() const {
  if (!file_.has("usage/largest_output")) return {};
  check_shape("usage/largest_output", {space_.layers.size(), static_cast<std::uint64_t>(space_.experts)});
  auto values = file_.read<float>("usage/largest_output");
  for (auto& value : values) {
    if (std::isnan(value)) value = 0;
    validate<DataError>(std::isfinite(value) && value >= 0, "{}: usage/largest_output has {}; {}",
                        file_.path().string(), value, remedy);
  }
  return values;
}

std::size_t ShardReader::rows_at_once(LayerRange layers) const {
  auto const row = 12 * classes * layers.n * static_cast<std::size_t>(space_.experts);
  return std::max<std::size_t>(1, (std::size_t{1} << 25) / std::max<std::size_t>(1, row));
}

UsageRows ShardReader::usage(std::size_t first, std::size_t n, LayerRange layers) const {
  auto const experts = static_cast<std::size_t>(space_.experts);
  std::vector<std::uint64_t> const start{first, 0, layers.first, 0}, count{n, classes, layers.n, experts};
  UsageRows rows{file_.read_rows<std::uint32_t>("usage/tokens", first, n),
                 file_.read_block<std::uint32_t>("usage/count", start, count),
                 file_.read_block<std::int64_t>("usage/gate_mass", start, count)};
  for (std::size_t cell = 0; cell < rows.tokens.size(); ++cell)
    for (std::size_t l = 0; l < layers.n; ++l) {
      std::uint64_t sum = 0;
      for (std::size_t e = 0; e < experts; ++e) sum += rows.count[(cell * layers.n + l) * experts + e];
      auto const due = std::uint64_t{rows.tokens[cell]} * static_cast<std::uint64_t>(space_.top_k);
      validate<DataError>(
          sum == due,
          "{}: prompt {}, class {}, decoder layer {}: {} selections of {} tokens, but the router "
          "selects {} a token; {}",
          file_.path().string(), prompt_ids_[first + cell / classes], cell % classes,
          space_.layers[layers.first + l], sum, rows.tokens[cell], space_.top_k, remedy);
    }
  return rows;
}

TokenRouting ShardReader::routing(std::size_t row, std::int64_t position, LayerRange layers) const {
  expect(has_routing() && position >= 0 && position < routed_tokens(row),
         "no routing at position {} of row {}", position, row);
  auto const k = static_cast<std::uint64_t>(space_.top_k);
  std::vector<std::uint64_t> const start{static_cast<std::uint64_t>(offset_[row] + position), layers.first,
                                         0},
      count{1, layers.n, k};
  auto const ids = expert_ids(start[0], 1, layers);
  TokenRouting out{{ids.begin(), ids.end()}, weights(start, count)};
  for (std::size_t i = 0; i < out.expert.size(); ++i)
    validate<DataError>(out.weight[i] >= 0 && out.weight[i] < 1e6F,
                        "{}: prompt {}, position {}: expert {} with weight {} cannot be; {}",
                        file_.path().string(), prompt_ids_[row], position, out.expert[i], out.weight[i],
                        remedy);
  return out;
}

std::vector<float> ShardReader::weights(std::vector<std::uint64_t> const& start,
                                        std::vector<std::uint64_t> const& count) const {
  if (file_.dtype("routing/weight") != "<f2") return file_.read_block<float>("routing/weight", start, count);
  std::vector<float> out;
  for (auto const half : file_.read_block<store::Half>("routing/weight", start, count))
    out.push_back(float_of(half));
  return out;
}

ShardRecord ShardReader::record() const {
  ShardRecord out{space_, prompt_ids_, offset_, {}, {}, {}, {}, {}, {}, {}, {}};
  auto rows = usage(0, prompt_ids_.size());
  out.tokens = std::move(rows.tokens);
  out.count = std::move(rows.count);
  out.mass = std::move(rows.mass);
  if (!has_routing()) return out;
  auto const tokens = first_token(prompt_ids_.size());
  out.expert = expert_ids(0, tokens, space_.all());
  out.weight = weights({0, 0, 0}, {tokens, space_.layers.size(), static_cast<std::uint64_t>(space_.top_k)});
  return out;
}

std::uint64_t ShardReader::tokens_at_once(LayerRange layers) const {
  auto const token = std::uint64_t{2} * layers.n * static_cast<std::uint64_t>(space_.top_k);
  return std::max<std::uint64_t>(1, (std::uint64_t{1} << 24) / std::max<std::uint64_t>(1, token));
}

std::vector<std::uint16_t> ShardReader::expert_ids(std::uint64_t first, std::uint64_t n,
                                                   LayerRange layers) const {
  expect(has_routing(), "{}: no routing", file_.path().string());
  auto const k = static_cast<std::size_t>(space_.top_k);
  std::vector<std::uint64_t> const start{first, layers.first, 0}, count{n, layers.n, k};
  std::vector<std::uint16_t> ids;
  if (file_.dtype("routing/expert") == "|u1") {
    auto const bytes = file_.read_block<std::uint8_t>("routing/expert", start, count);
    ids.assign(bytes.begin(), bytes.end());
  } else {
    ids = file_.read_block<std::uint16_t>("routing/expert", start, count);
  }
  for (std::size_t at = 0; at < ids.size(); at += k) {
    auto const chosen = std::span(ids).subspan(at, k);
    validate<DataError>(std::ranges::adjacent_find(chosen, std::greater_equal{}) == chosen.end() &&
                            chosen.back() < space_.experts,
                        "{}: token {} of the shard, decoder layer {}: selected experts [{}] must ascend and "
                        "lie below {}; {}",
                        file_.path().string(), first + at / k / layers.n,
                        space_.layers[layers.first + at / k % layers.n], fmt::join(chosen, ", "),
                        space_.experts, remedy);
  }
  return ids;
}

}  // namespace moerae
