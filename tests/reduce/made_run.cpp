#include "reduce/made_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "moerae/base/random.hpp"
#include "moerae/store/file.hpp"
#include "moerae/store/manifest.hpp"
#include "moerae/store/provenance.hpp"
#include "moerae/store/publish.hpp"
#include "moerae/store/stage_dir.hpp"

namespace moerae::test {
namespace {

using std::uint64_t;
constexpr int k = 2;

void write_corpus(std::filesystem::path const& path, std::vector<MadePrompt> const& prompts) {
  std::vector<uint64_t> id;
  std::vector<std::int64_t> offset{0}, response, content, cluster, pair(prompts.size(), -1);
  std::vector<std::uint8_t> split;
  std::vector<std::int32_t> set, unknown(prompts.size(), -1);
  std::set<std::string> names;
  for (auto const& p : prompts) names.insert(p.set);
  std::vector<std::string> const categories(names.begin(), names.end());
  for (auto const& p : prompts) {
    auto const start = offset.back();
    id.push_back(p.id);
    content.insert(content.end(), {start + 1, start + 1 + p.content});
    response.push_back(start + 2 + p.content);
    offset.push_back(start + p.length());
    cluster.push_back(p.cluster);
    split.push_back(p.split);
    set.push_back(static_cast<std::int32_t>(std::ranges::find(categories, p.set) - categories.begin()));
  }
  store::publish(path, [&](auto const& temporary) {
    auto file = store::File::create(temporary);
    uint64_t const n = prompts.size();
    file.write("prompt_id", id, {n});
    file.write("offset", offset, {n + 1});
    file.write("response_offset", response, {n});
    file.write("content_offset", content, {n, 2});
    file.write("cluster", cluster, {n});
    file.write("pair", pair, {n});
    file.write("split", split, {n});
    file.write("set", set, {n});
    file.set_attribute("set", "categories", categories);
    for (auto const* name : {"topic", "domain", "wrapper", "label"}) {
      file.write(name, unknown, {n});
      file.set_attribute(name, "categories", std::vector<std::string>{});
    }
    file.set_attribute("/", "schema", std::string("moerae.corpus/1"));
    store::mark_complete(file);
    file.close();
  });
}

}  // namespace

ExpertSpace made_space() {
  return {{1, 3}, 8, k};
}

std::vector<MadePrompt> made_prompts(int clusters) {
  std::vector<MadePrompt> prompts;
  for (int g = 0; g < clusters; ++g)
    for (std::string const set : {"a", "b", "c", "a"})
      prompts.push_back({prompts.size() + 100, set, 1000 - 7 * g,
                         static_cast<std::uint8_t>(g % 5 == 4 ? 1 : 0), 1 + g % 3, 2});
  return prompts;
}

std::vector<int> made_experts(MadePrompt const& prompt, std::size_t layer, int position) {
  std::vector<std::pair<double, int>> keys;
  for (int e = 0; e < 8; ++e) {
    auto const bits = random_bits(prompt.id, static_cast<std::uint32_t>(layer),
                                  static_cast<std::uint32_t>(position), static_cast<std::uint32_t>(e));
    double bias = 0;
    if (layer == 0 && e == 5) bias = prompt.set == "a" ? .5 : prompt.set == "b" ? -.5 : 0;
    if (layer == 1 && e == 2 && prompt.set == "b") bias = .5;
    keys.emplace_back(-(std::ldexp(static_cast<double>(bits), -64) + bias), e);
  }
  std::ranges::sort(keys);
  std::vector<int> chosen{keys[0].second, keys[1].second};
  std::ranges::sort(chosen);
  return chosen;
}

float made_weight(std::size_t i) {
  return i == 0 ? .75F : .125F;
}

void write_made_shard(std::filesystem::path const& path, std::vector<MadePrompt> const& prompts,
                      std::string const& hash, MadeRunOptions const& options) {
  auto const space = made_space();
  std::size_t const n = prompts.size(), layers = space.layers.size();
  std::vector<uint64_t> id;
  std::vector<std::uint32_t> count(n * 3 * space.size(), 0), tokens(n * 3, 0);
  std::vector<std::int64_t> mass(count.size(), 0), offset{0};
  std::vector<std::uint8_t> expert;
  std::vector<float> weight;
  for (std::size_t p = 0; p < n; ++p) {
    id.push_back(prompts[p].id);
    offset.push_back(offset.back() + prompts[p].length());
    for (int t = 0; t < prompts[p].length(); ++t) {
      auto const c = t >= prompts[p].content + 2 ? 2U : t >= 1 && t <= prompts[p].content ? 1U : 0U;
      ++tokens[p * 3 + c];
      for (std::size_t l = 0; l < layers; ++l) {
        auto const chosen = made_experts(prompts[p], l, t);
        for (std::size_t i = 0; i < chosen.size(); ++i) {
          auto const at = (p * 3 + c) * space.size() + space.index(l, static_cast<std::size_t>(chosen[i]));
          ++count[at];
          mass[at] += std::llround(static_cast<double>(made_weight(i)) / mass_unit);
          expert.push_back(static_cast<std::uint8_t>(chosen[i]));
          weight.push_back(made_weight(i));
        }
      }
    }
  }
  store::publish(path, [&](auto const& temporary) {
    auto file = store::File::create(temporary);
    file.write("prompt_id", id, {n});
    file.write("layer", space.layers, {layers});
    file.write("usage/count", count, {n, 3, layers, 8});
    file.write("usage/gate_mass", mass, {n, 3, layers, 8});
    file.write("usage/tokens", tokens, {n, 3});
    auto const total = static_cast<uint64_t>(offset.back());
    if (options.routing) {
      file.write("routing/expert", expert, {total, layers, k});
      file.write("routing/offset", offset, {n + 1});
      std::vector<store::Half> halves;
      for (auto const w : weight) halves.push_back({static_cast<std::uint16_t>(w > .5F ? 0x3a00 : 0x3000)});
      if (options.half)
        file.write("routing/weight", halves, {total, layers, k});
      else
        file.write("routing/weight", weight, {total, layers, k});
    }
    store::Provenance provenance;
    provenance.schema = "moerae.routing/1";
    provenance.model_id = "made";
    provenance.stage_hash = hash;
    store::write_provenance(file, provenance);
    file.set_attribute("/", "experts", 8);
    file.set_attribute("/", "top_k", k);
    store::mark_complete(file);
    file.close();
  });
}

void write_made_run(std::filesystem::path const& run, std::vector<MadePrompt> const& prompts,
                    MadeRunOptions const& options) {
  write_corpus(run / "corpus.h5", prompts);
  auto stage = store::find_stage(run, "record", {{"made", true}});
  store::create_stage(stage);
  std::vector<store::Entry> entries{store::make_entry(run, run / "corpus.h5", "corpus")};
  for (std::size_t first = 0, shard = 0; first < prompts.size(); first += options.shard_prompts, ++shard) {
    auto const last = std::min(prompts.size(), first + options.shard_prompts);
    auto const path = stage.path / fmt::format("shard-{:06d}.h5", shard);
    write_made_shard(path,
                     {prompts.begin() + static_cast<std::ptrdiff_t>(first),
                      prompts.begin() + static_cast<std::ptrdiff_t>(last)},
                     stage.hash, options);
    entries.push_back(store::make_entry(run, path, "record"));
  }
  store::Manifest::read(run).append(entries);
}

UsageTable made_table(std::string const& name, ExpertSpace const& space,
                      std::vector<std::vector<std::int64_t>> const& counts,
                      std::vector<std::int64_t> const& tokens) {
  std::vector<std::int64_t> ids(counts.size());
  std::iota(ids.begin(), ids.end(), 10);
  UsageTable table(name, space, ids);
  table.tokens = tokens;
  for (std::size_t c = 0; c < counts.size(); ++c)
    for (std::size_t e = 0; e < space.size(); ++e) {
      table.count[c * space.size() + e] = counts[c][e];
      table.mass[c * space.size() + e] = counts[c][e] << 30;  // a quarter each
    }
  return table;
}

}  // namespace moerae::test
