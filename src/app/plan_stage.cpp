#include <cstdio>

#include "context.hpp"
#include "moerae/model/weights.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/record/bundles.hpp"
#include "moerae/record/shard_bytes.hpp"
#include "record_job.hpp"

namespace moerae {
namespace {

std::string bytes(std::int64_t n) {
  double value = static_cast<double>(n);
  for (auto const* unit : {"B", "KiB", "MiB", "GiB"}) {
    if (value < 1024) return fmt::format("{:.{}f} {}", value, value < 10 && *unit != 'B' ? 1 : 0, unit);
    value /= 1024;
  }
  return fmt::format("{:.1f} TiB", value);
}

void print(RecordJob const& job, Study const& study, int ranks) {
  auto const count = count_parameters(job.plan);
  auto const& attention = job.plan.layers.front().attention;
  auto const element = job.dtype == "bfloat16" ? 2 : 4;
  auto const size = shard_bytes(job.space, static_cast<std::int64_t>(job.selected.size()), job.tokens(),
                                study.record, job.precision);
  auto const bundles = open_bundles(job.shards, {}, study.grid.expert);
  std::int64_t longest = 0;
  for (auto const& shard : job.shards)
    for (auto const& batch : shard.batches) longest = std::max(longest, batch.tokens);
  std::string out;
  auto const line = [&](char const* name, std::string const& value) {
    out += fmt::format("{:<22}{}\n", name, value);
  };
  line("model",
       fmt::format("{} ({}), computed in {}", study.model.path.string(), job.plan.family, job.dtype));
  line("parameters", fmt::format("{} in all, {} active per token; checkpoint {}", count.total, count.active,
                                 bytes(job.checkpoint.bytes())));
  line("layers",
       fmt::format("{}, of them {} Mixture-of-Experts", job.plan.layers.size(), job.space.layers.size()));
  line("router", fmt::format("top {} of {} experts{}", job.space.top_k, job.space.experts,
                             job.plan.router().renormalise ? ", renormalised" : ""));
  line("attention", fmt::format("{} heads, {} for keys and values, of {}", attention.heads,
                                attention.kv_heads, attention.head_dim));
  line("corpus", fmt::format("{}: {} prompts, {} tokens, longest batch {} tokens", study.corpus.path.string(),
                             job.selected.size(), job.tokens(), longest));
  line("work",
       fmt::format("{} shards in {} bundles of {}", job.shards.size(), bundles.size(), study.grid.expert));
  if (ranks % study.grid.expert == 0) {
    auto const groups = ranks / study.grid.expert;
    line("grid",
         fmt::format(
             "{} rank(s) = {} data x {} expert; at most {} bundles a group", ranks, groups, study.grid.expert,
             (bundles.size() + static_cast<std::size_t>(groups) - 1) / static_cast<std::size_t>(groups)));
  } else {
    line("grid", fmt::format("{} rank(s): not a multiple of grid.expert = {}; record would refuse", ranks,
                             study.grid.expert));
  }
  line("weights per rank", bytes(resident_bytes(job.plan, element, study.grid.expert)));
  line("record per rank", fmt::format("up to {} for one shard in memory",
                                      bytes(largest_shard_in_memory(job.space, job.shards, study.record))));
  line("to be written",
       fmt::format("{} before compression: usage {}, routing {}, logits {}", bytes(size.total()),
                   bytes(size.usage), bytes(size.routing), bytes(size.logits)));
  std::fputs(out.c_str(), stdout);
}

}  // namespace

ExitCode run_plan(Context const& context, Study const& study) {
  mpi::agree(context.world, [&] {
    auto const job = make_record_job(study);
    if (context.world.rank() == 0) print(job, study, context.world.size());
  });
  return ExitCode::complete;
}

}  // namespace moerae
