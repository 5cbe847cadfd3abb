#include "moerae/model/cache.hpp"

#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

std::int64_t kept_of(std::int64_t capacity, std::optional<std::int64_t> window) {
  return window ? std::min(capacity, *window - 1) : capacity;
}

// Heads and sizes of what attention keeps of a position.
struct Widths {
  std::int64_t heads, keys, values;
};

Widths widths_of(AttentionSpec const& spec) {
  if (spec.latent) return {1, spec.latent->kv_rank + spec.head_dim - spec.latent->nope_dim, 0};
  return {spec.kv_heads, spec.head_dim, spec.value_dim};
}

}  // namespace

PositionBuffer::PositionBuffer(std::int64_t heads, std::int64_t capacity, std::optional<std::int64_t> window,
                               std::int64_t width, torch::TensorOptions const& options)
    : rows_(torch::empty({heads, kept_of(capacity, window), width}, options)),
      ring_(kept_of(capacity, window) < capacity) {}

torch::Tensor PositionBuffer::extend(torch::Tensor const& rows, std::int64_t past) {
  auto const count = rows.size(1), kept = rows_.size(1);
  if (!ring_) {
    rows_.narrow(1, past, count).copy_(rows);
    return rows_.narrow(1, 0, past + count);
  }
  auto const seen = std::min(past, kept);
  std::vector<torch::Tensor> parts;
  auto const span = [&](std::int64_t first, std::int64_t n,
                        auto&& use) {  // positions first .. first+n-1 of the ring
    for (std::int64_t done = 0; done < n;) {
      auto const at = (first + done) % kept, run = std::min(n - done, kept - at);
      use(rows_.narrow(1, at, run), done, run);
      done += run;
    }
  };
  span(past - seen, seen,
       [&](torch::Tensor const& part, std::int64_t, std::int64_t) { parts.push_back(part); });
  parts.push_back(rows);
  auto out = torch::cat(parts, 1);
  auto const fresh = std::min(count, kept);
  span(past + count - fresh, fresh, [&](torch::Tensor const& part, std::int64_t done, std::int64_t run) {
    part.copy_(rows.narrow(1, count - fresh + done, run));
  });
  return out;
}

KvCache::KvCache(ModelPlan const& plan, std::vector<std::int64_t> capacity,
                 torch::TensorOptions const& options)
    : capacity_(std::move(capacity)), reached_(capacity_.size(), 0) {
  for (auto const& layer : plan.layers) {
    auto const& spec = layer.attention;
    auto const widths = widths_of(spec);
    auto const buffer = [&](std::int64_t positions, std::int64_t width) {
      return PositionBuffer(widths.heads, positions, spec.window, width, options);
    };
    auto& slots = layers_.emplace_back();
    for (auto const positions : capacity_)
      slots.push_back({buffer(positions, widths.keys),
                       widths.values > 0 ? buffer(positions, widths.values) : PositionBuffer()});
  }
}

void KvCache::admit(Rows const& rows) {
  expect(!at::GradMode::is_enabled(), "a pass with a cache has no gradient");
  std::vector<bool> named(capacity_.size(), false);
  for (auto const& sequence : rows.sequences) {
    if (sequence.slot < 0) continue;
    auto const slot = static_cast<std::size_t>(sequence.slot);
    expect(slot < capacity_.size() && !named[slot], "slot {} of {} is named twice or does not exist", slot,
           capacity_.size());
    named[slot] = true;
    expect(sequence.past == 0 || sequence.past == reached_[slot],
           "slot {} stands at position {} and cannot go on from {}", slot, reached_[slot], sequence.past);
    expect(sequence.reached() <= capacity_[slot], "slot {} has {} positions, not {}", slot, capacity_[slot],
           sequence.reached());
  }
  for (auto const& sequence : rows.sequences)
    if (sequence.slot >= 0) reached_[static_cast<std::size_t>(sequence.slot)] = sequence.reached();
}

std::int64_t KvCache::bytes() const {
  std::int64_t out = 0;
  for (auto const& layer : layers_)
    for (auto const& slot : layer) out += slot.keys.bytes() + slot.values.bytes();
  return out;
}

std::int64_t cache_bytes(ModelPlan const& plan, std::span<std::int64_t const> capacity,
                         std::int64_t element_bytes) {
  std::int64_t out = 0;
  for (auto const& layer : plan.layers) {
    auto const widths = widths_of(layer.attention);
    for (auto const positions : capacity)
      out += widths.heads * kept_of(positions, layer.attention.window) * (widths.keys + widths.values);
  }
  return out * element_bytes;
}

}  // namespace moerae
