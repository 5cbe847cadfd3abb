#include "moerae/record/recorder.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
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
  record_.largest.clear();
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
  record_.logits.resize(logits_ == Logits::all ? tokens * record_.space.size() : 0);
  record_.last_logits.assign(logits_ == Logits::last ? prompts * record_.space.size() : 0,
                             std::numeric_limits<float>::quiet_NaN());
  for (auto entry = shard.first; entry < shard.last; ++entry)
    for (std::int64_t position = 0; position < corpus_.length(selected_[entry]); ++position)
      ++record_.tokens[cell(entry, position)];
}

RecorderRows Recorder::rows_of(Batch const& batch) const {
  RecorderRows out;
  out.first = static_cast<std::size_t>(record_.offset[batch.first - first_entry_]);
  for (auto entry = batch.first; entry < batch.last; ++entry) {
    auto const prompt = selected_[entry];
    auto const before_reply = corpus_.response_offset[prompt] - corpus_.offset[prompt];
    if (logits_ == Logits::last && before_reply > 0) {
      out.last.push_back(static_cast<std::int64_t>(out.cells.size()) + before_reply - 1);
      out.last_prompts.push_back(entry - first_entry_);
    }
    for (std::int64_t position = 0; position < corpus_.length(prompt); ++position)
      out.cells.push_back(cell(entry, position));
  }
  return out;
}

std::size_t Recorder::cell(std::size_t entry, std::int64_t position) const {
  return (entry - first_entry_) * classes +
         static_cast<std::size_t>(position_class(corpus_, selected_[entry], position));
}

std::size_t Recorder::place_of(LayerId layer) const {
  auto const& layers = record_.space.layers;
  auto const at = std::ranges::lower_bound(layers, layer.value);
  expect(at != layers.end() && *at == layer.value, "layer {} is not a MoE layer of the plan", layer.value);
  return static_cast<std::size_t>(at - layers.begin());
}

void Recorder::on_largest(LayerId layer, std::span<std::int64_t const> experts,
                          std::span<float const> largest) {
  auto& kept = record_.largest;
  if (kept.empty()) kept.assign(record_.space.size(), std::numeric_limits<float>::quiet_NaN());
  auto const own = std::span(kept).subspan(record_.space.index(place_of(layer), 0),
                                           static_cast<std::size_t>(record_.space.experts));
  for (auto& value : own)
    if (std::isnan(value)) value = 0;
  for (std::size_t i = 0; i < experts.size(); ++i) {
    validate<DataError>(
        std::isfinite(largest[i]),
        "layer {}: an output of expert {} is not finite; the checkpoint is damaged or overflows in "
        "this dtype (try model.dtype = float32)",
        layer.value, experts[i]);
    auto& value = own[static_cast<std::size_t>(experts[i])];
    value = std::max(value, largest[i]);
  }
}

void Recorder::on_decision(RecorderRows const& rows, RoutingRows const& decision) {
  expect(
      decision.rows == rows.cells.size() && decision.top_k == static_cast<std::size_t>(record_.space.top_k),
      "layer {}: {} rows of {} experts, expected {} of {}", decision.layer.value, decision.rows,
      decision.top_k, rows.cells.size(), record_.space.top_k);
  auto const layer = place_of(decision.layer);
  add_usage(rows, decision, layer);
  if (routing_) keep_rows(rows, decision, layer);
  if (logits_ != Logits::none) keep_logits(rows, decision, layer);
}

void Recorder::add_usage(RecorderRows const& rows, RoutingRows const& decision, std::size_t layer) {
  for (std::size_t row = 0; row < decision.rows; ++row)
    for (std::size_t j = 0; j < decision.top_k; ++j) {
      auto const choice = row * decision.top_k + j;
      auto const at = rows.cells[row] * record_.space.size() +
                      record_.space.index(layer, static_cast<std::size_t>(decision.experts[choice]));
      ++record_.count[at];
      record_.mass[at] += fixed_point(decision.weights[choice], decision, row);
    }
}

void Recorder::keep_rows(RecorderRows const& rows, RoutingRows const& decision, std::size_t layer) {
  auto const layers = record_.space.layers.size(), k = decision.top_k;
  for (std::size_t row = 0; row < decision.rows; ++row)
    for (std::size_t j = 0; j < k; ++j) {
      auto const at = ((rows.first + row) * layers + layer) * k + j;
      record_.expert[at] = static_cast<std::uint16_t>(decision.experts[row * k + j]);
      record_.weight[at] = decision.weights[row * k + j];
    }
}

void Recorder::keep_logits(RecorderRows const& rows, RoutingRows const& decision, std::size_t layer) {
  auto const layers = record_.space.layers.size(), experts = static_cast<std::size_t>(record_.space.experts);
  bool const all = logits_ == Logits::all;
  auto const lines = all ? rows.cells.size() : rows.last.size();
  expect(decision.logits.size() == lines * experts, "layer {}: {} logits for {} rows of {} experts",
         decision.layer.value, decision.logits.size(), lines, experts);
  auto& kept = all ? record_.logits : record_.last_logits;
  for (std::size_t line = 0; line < lines; ++line) {
    auto const row = all ? rows.first + line : rows.last_prompts[line];
    std::copy_n(decision.logits.data() + line * experts, experts,
                kept.data() + (row * layers + layer) * experts);
  }
}

}  // namespace moerae
