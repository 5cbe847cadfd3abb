#include "model/attention.hpp"

#include <algorithm>
#include <vector>

#include "model/attend.hpp"
#include "model/layers.hpp"
#include "moerae/base/check.hpp"

namespace moerae {
namespace {

// One projection for all three; norms and clipping before the rotation.
Heads direct_heads(torch::Tensor const& x, AttentionWeights const& w, AttentionSpec const& spec, double eps,
                   Rope const& rope) {
  auto const qkv = linear(x, w.qkv);  // [T, q + 2 kv]
  auto const part = [&](std::int64_t start, std::int64_t heads, torch::Tensor const& norm) {
    auto out = qkv.narrow(1, start, heads * spec.head_dim);
    if (norm.defined() && spec.qk_norm == QkNorm::whole_projection) out = rms_norm(out, norm, eps);
    if (spec.clip_qkv) out = out.clamp(-*spec.clip_qkv, *spec.clip_qkv);
    out = out.reshape({x.size(0), heads, spec.head_dim});
    if (norm.defined() && spec.qk_norm == QkNorm::per_head) out = rms_norm(out, norm, eps);
    return out;  // [T, heads, d]
  };
  std::int64_t const q_size = spec.heads * spec.head_dim, kv_size = spec.kv_heads * spec.head_dim;
  return {rope(part(0, spec.heads, w.q_norm)).transpose(0, 1),
          rope(part(q_size, spec.kv_heads, w.k_norm)).transpose(0, 1),
          part(q_size + kv_size, spec.kv_heads, {}).transpose(0, 1)};
}

// The rows of the pass, sequence by sequence. One split and not a narrow for each: its gradient is put
// together once, where every narrow would give one of the size of the pass.
std::vector<Heads> by_sequence(Heads const& pass, Rows const& rows) {
  std::vector<std::int64_t> counts;
  for (auto const& sequence : rows.sequences) counts.push_back(sequence.count);
  auto const q = pass.q.split_with_sizes(counts, 1), k = pass.k.split_with_sizes(counts, 1),
             v = pass.v.split_with_sizes(counts, 1);
  std::vector<Heads> out;
  for (std::size_t i = 0; i < counts.size(); ++i) out.push_back({q[i], k[i], v[i]});
  return out;
}

// What the layer keeps for a sequence, or null.
CachedSlot* slot_of(LayerCache* cache, Sequence const& sequence) {
  bool const kept = cache && sequence.slot >= 0;
  expect(kept || sequence.past == 0, "rows behind a past of {} positions, but no cache holds them",
         sequence.past);
  return kept ? &(*cache)[static_cast<std::size_t>(sequence.slot)] : nullptr;
}

// [heads, t, value_dim] of each sequence
std::vector<torch::Tensor> direct(Heads const& pass, AttentionWeights const& w, AttentionSpec const& spec,
                                  Rows const& rows, LayerCache* cache) {
  std::vector<torch::Tensor> out;
  auto parts = by_sequence(pass, rows);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto const& sequence = rows.sequences[i];
    auto& own = parts[i];
    if (auto* kept = slot_of(cache, sequence)) {
      own.k = kept->keys.extend(own.k, sequence.past);
      own.v = kept->values.extend(own.v, sequence.past);
    }
    out.push_back(attend(own, w.sinks, spec));
  }
  return out;
}

// Latent attention: keys and values from a common low-rank vector, one rotated key for all heads.
struct Latent {
  torch::Tensor q_nope, q_rotated;  // [T, heads, nope_dim], [T, heads, rotated]
  torch::Tensor vector, key;        // [T, kv_rank] normed, [T, 1, rotated]
};

Latent latent_of(torch::Tensor const& x, AttentionWeights const& w, AttentionSpec const& spec,
                 Rope const& rope) {
  auto const& latent = *spec.latent;
  auto const rotated = spec.head_dim - latent.nope_dim;
  auto const query_input = latent.q_rank > 0 ? rms_norm(linear(x, w.q_a), w.q_a_norm, latent.norm_eps) : x;
  auto const q = linear(query_input, w.q_b).reshape({x.size(0), spec.heads, spec.head_dim});
  auto const compressed = linear(x, w.kv_a);  // [T, kv_rank + rotated]
  return {q.narrow(2, 0, latent.nope_dim), rope(q.narrow(2, latent.nope_dim, rotated)),
          rms_norm(compressed.narrow(1, 0, latent.kv_rank), w.kv_a_norm, latent.norm_eps),
          rope(compressed.narrow(1, latent.kv_rank, rotated).unsqueeze(1))};
}

// Full heads of all rows of the pass.
Heads expanded(Latent const& l, AttentionWeights const& w, AttentionSpec const& spec) {
  auto const tokens = l.vector.size(0), nope = spec.latent->nope_dim;
  auto const kv = linear(l.vector, w.kv_b).reshape({tokens, spec.heads, nope + spec.value_dim});
  auto const key = l.key.expand({tokens, spec.heads, l.key.size(2)});
  return {torch::cat({l.q_nope, l.q_rotated}, 2).transpose(0, 1),
          torch::cat({kv.narrow(2, 0, nope), key}, 2).transpose(0, 1),
          kv.narrow(2, nope, spec.value_dim).transpose(0, 1)};
}

// The same with the map from vector to heads moved to the queries and behind the softmax (arXiv
// 2405.04434, 2.1.2), so that the past stays compressed: one key of kv_rank + rotated for all heads, whose
// first part is the value too.
torch::Tensor absorbed(Latent const& l, torch::Tensor const& keys, AttentionWeights const& w,
                       AttentionSpec const& spec, Sequence const& sequence) {
  auto const nope = spec.latent->nope_dim, rank = spec.latent->kv_rank;
  auto const maps = w.kv_b.weight.reshape({spec.heads, nope + spec.value_dim, rank});
  auto const own = [&](torch::Tensor const& part) {
    return part.narrow(0, sequence.first, sequence.count).transpose(0, 1);  // [heads, t, d]
  };
  auto const query = torch::cat({torch::matmul(own(l.q_nope), maps.narrow(1, 0, nope)), own(l.q_rotated)}, 2);
  auto const mixed = attend({query, keys, keys.narrow(2, 0, rank)}, w.sinks, spec);  // [heads, t, kv_rank]
  return torch::matmul(mixed, maps.narrow(1, nope, spec.value_dim).transpose(1, 2));
}

// Rows without a past take full heads, which are one product for the whole pass.
std::vector<torch::Tensor> latent(Latent const& l, AttentionWeights const& w, AttentionSpec const& spec,
                                  Rows const& rows, LayerCache* cache) {
  bool const fresh = std::ranges::any_of(rows.sequences, [](auto const& s) { return s.past == 0; });
  auto const heads = fresh ? by_sequence(expanded(l, w, spec), rows) : std::vector<Heads>{};
  torch::Tensor keys;  // [1, T, kv_rank + rotated]
  if (cache) keys = torch::cat({l.vector.unsqueeze(1), l.key}, 2).transpose(0, 1);
  std::vector<torch::Tensor> out;
  for (std::size_t i = 0; i < rows.sequences.size(); ++i) {
    auto const& sequence = rows.sequences[i];
    torch::Tensor seen;
    if (auto* kept = slot_of(cache, sequence))
      seen = kept->keys.extend(keys.narrow(1, sequence.first, sequence.count), sequence.past);
    out.push_back(sequence.past == 0 ? attend(heads[i], w.sinks, spec)
                                     : absorbed(l, seen, w, spec, sequence));
  }
  return out;
}

}  // namespace

torch::Tensor attention(torch::Tensor const& x, AttentionWeights const& weights, AttentionSpec const& spec,
                        double norm_eps, Rows const& rows, Rope const& rope, LayerCache* cache) {
  auto parts = spec.latent
                   ? latent(latent_of(x, weights, spec, rope), weights, spec, rows, cache)
                   : direct(direct_heads(x, weights, spec, norm_eps, rope), weights, spec, rows, cache);
  for (auto& part : parts) part = part.transpose(0, 1);  // [t, heads, value_dim]
  auto const width = spec.heads * spec.value_dim;
  auto const mixed = parts.empty() ? x.new_empty({0, width}) : torch::cat(parts).reshape({x.size(0), width});
  return linear(mixed, weights.out);
}

}  // namespace moerae
