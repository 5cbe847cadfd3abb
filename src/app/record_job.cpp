#include "app/record_job.hpp"

#include "app/options/inputs.hpp"
#include "moerae/base/check.hpp"
#include "moerae/record/shard_writer.hpp"
#include "moerae/reduce/plan/check_options.hpp"

namespace moerae {

std::int64_t RecordJob::tokens() const {
  return open({}).tokens;
}

RecordJob::Amount RecordJob::open(run::UnitSet const& done) const {
  Amount left{0, run::open_amount(units, done)};
  for (std::size_t i = 0; i < shards.size(); ++i)
    if (!done.contains(i)) left.prompts += static_cast<std::int64_t>(shards[i].last - shards[i].first);
  return left;
}

RecordJob make_record_job(Study const& study) {
  RecordJob job{open_inputs(study), {}, {}, {}, {}};
  job.selected = select_prompts(job.corpus, study.corpus.sets, "corpus.sets");
  if (study.run.from.empty())  // what is reduced is this recording: it must be worth it
    check_against_corpus(study.for_reduce(), job.corpus, study.corpus.sets, study.record.routing);
  job.shards = plan_shards(job.corpus, job.selected, study.record.shard_prompts, study.record.batch_tokens);
  for (auto const& shard : job.shards)
    job.units.push_back({{shard_file_name(shard.id.value)}, shard.batches.size(), shard.tokens()});
  job.inputs = inputs_of(stage::record, study, record_method, job.resolved());
  return job;
}

}  // namespace moerae
