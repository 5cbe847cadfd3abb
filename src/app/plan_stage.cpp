#include <cstdio>

#include "app/context.hpp"
#include "app/plan_text.hpp"
#include "moerae/mpi/agree.hpp"

namespace moerae {

// Without a corpus: the model alone, for which config.json is enough.
ExitCode run_plan(Context const& context, Study const& study) {
  mpi::agree(context.world, [&] {
    std::string text;
    if (study.corpus.path.empty()) {
      auto const plan = read_plan(study.model.path);
      text = describe_model(study, plan, resolve_dtype(study.model.dtype, plan.dtype));
    } else {
      auto const job = make_record_job(study);
      text = describe_model(study, job.model.plan, job.model.dtype) +
             describe_work(study, job, context.world.size());
      if (has_margins(job.corpus, study.attribute))
        text += describe_attribution(study, lay_out_margins(study));
      if (!study.tune.set.empty()) text += describe_training(study, job);
      if (!study.evaluate.conditions.empty()) text += describe_replies(study, lay_out_replies(study));
    }
    if (context.world.rank() == 0) std::fputs(text.c_str(), stdout);
  });
  return ExitCode::complete;
}

}  // namespace moerae
