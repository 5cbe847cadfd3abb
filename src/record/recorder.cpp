#include "moerae/record/recorder.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

constexpr std::size_t classes = position_class_names.size();

// 2^-32 units; weights are sums of softmax terms, far below the 2^30 that would be refused
std::int64_t fixed_point(float weight, RoutingRows const& rows, std::size_t row) {
  validate<DataError>(std::isfinite(weight) && std::fabs(weight) < 1e9F,
                      "layer {}: the gate weight {} of row {} is not a usable number; the checkpoint is "
                      "damaged or overflows in "
                      "this dtype (try model.dtype = float32)",
                      rows.layer.value, weight, row);
  return std::llround(std::ldexp(static_cast<double>(weight), 32));
}

}  // namespace

Recorder::Recorder(Corpus const& corpus, std::span<std::size_t const> selected, ExpertSpace space,
                   RecordOptions const& options)
    : corpus_(corpus), selected_(selected), routing_(options.routing), logits_(options.logits) {
  record_.space = std::move(space);
}

void Recorder::begin(Shard const& shard) {
  first_entry_ = shard.first;
  auto const prompts = shard.last - shard.first;
  record_.prompt_id.clear();
  record_.offset.assign(1, 0);
  for (auto entry = shard.first; entry < shard.last; ++entry) {
    record_.prompt_id.push_back(corpus_.prompt_id[selected_[entry]]);
    record_.offset.push_back(record_.offset.back() + corpus_.length(selected_[entry]));
  }
  auto const tokens = static_cast<std::size_t>(record_.offset.back());
  auto const layers = record_.space.layers.size();
  record_.tokens.assign(prompts * classes, 0);
  record_.count.assign(prompts * classes * record_.space.size(), 0);
  record_.mass.assign(prompts * classes * record_.space.size(), 0);
  record_.expert.resize(routing_ ? tokens * layers * static_cast<std::size_t>(record_.space.top_k) : 0);
  record_.weight.resize(record_.expert.size());
  record_.logits.resize(logits_ ? tokens * record_.space.size() : 0);
}

void Recorder::begin(Batch const& batch) {
  first_row_ = static_cast<std::size_t>(record_.offset[batch.first - first_entry_]);
  cell_of_row_.clear();
  for (auto entry = batch.first; entry < batch.last; ++entry)
    for (std::int64_t position = 0; position < corpus_.length(selected_[entry]); ++position) {
      auto const kind = static_cast<std::size_t>(position_class(corpus_, selected_[entry], position));
      cell_of_row_.push_back((entry - first_entry_) * classes + kind);
      ++record_.tokens[cell_of_row_.back()];
    }
}

void Recorder::on_routing(RoutingRows const& rows) {
  auto const& layers = record_.space.layers;
  auto const at = std::ranges::lower_bound(layers, rows.layer.value);
  expect(at != layers.end() && *at == rows.layer.value, "layer {} is not a MoE layer of the plan",
         rows.layer.value);
  expect(rows.rows == cell_of_row_.size() && rows.top_k == static_cast<std::size_t>(record_.space.top_k),
         "layer {}: {} rows of {} experts, expected {} of {}", rows.layer.value, rows.rows, rows.top_k,
         cell_of_row_.size(), record_.space.top_k);
  auto const layer = static_cast<std::size_t>(at - layers.begin());
  add_usage(rows, layer);
  keep_rows(rows, layer);
}

void Recorder::add_usage(RoutingRows const& rows, std::size_t layer) {
  for (std::size_t row = 0; row < rows.rows; ++row)
    for (std::size_t j = 0; j < rows.top_k; ++j) {
      auto const choice = row * rows.top_k + j;
      auto const cell = cell_of_row_[row] * record_.space.size() +
                        record_.space.index(layer, static_cast<std::size_t>(rows.experts[choice]));
      ++record_.count[cell];
      record_.mass[cell] += fixed_point(rows.weights[choice], rows, row);
    }
}

void Recorder::keep_rows(RoutingRows const& rows, std::size_t layer) {
  auto const layers = record_.space.layers.size(), experts = static_cast<std::size_t>(record_.space.experts);
  for (std::size_t row = 0; row < rows.rows && (routing_ || logits_); ++row) {
    auto const line = (first_row_ + row) * layers + layer;
    for (std::size_t j = 0; routing_ && j < rows.top_k; ++j) {
      record_.expert[line * rows.top_k + j] = static_cast<std::uint16_t>(rows.experts[row * rows.top_k + j]);
      record_.weight[line * rows.top_k + j] = rows.weights[row * rows.top_k + j];
    }
    if (logits_)
      std::copy_n(rows.logits.data() + row * experts, experts, record_.logits.data() + line * experts);
  }
}

}  // namespace moerae
