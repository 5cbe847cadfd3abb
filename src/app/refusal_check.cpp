#include "app/refusal_check.hpp"

#include <algorithm>
#include <map>

#include "moerae/base/check.hpp"
#include "moerae/corpus/corpus.hpp"
#include "moerae/store/file.hpp"
#include "moerae/store/stage_dir.hpp"

namespace moerae {
namespace fs = std::filesystem;
namespace {

struct Judged {
  std::map<std::uint64_t, bool> refused;  // by prompt id
  std::string judge;
};

// The replies without an intervention of the evaluation whose model is the one meant.
template <class IsMeant>
Judged read_judged(fs::path const& run, IsMeant const& is_meant, std::string const& commands) {
  for (auto const& stage : store::list_stages(run, "evaluate")) {
    if (!is_meant(stage.inputs)) continue;
    auto const path = stage.path / "none" / "labels.h5";
    if (!fs::exists(path)) continue;
    auto const file = store::File::open(path);
    auto const ids = file.read<std::uint64_t>("prompt_id");
    auto const labels = file.read<std::uint8_t>("label");
    auto const names = file.strings_attribute("label", "categories");
    Judged out;
    out.judge = file.string_attribute("/", "judge") + " " + file.string_attribute("/", "judge_hash");
    for (std::size_t i = 0; i < ids.size(); ++i) {
      validate<DataError>(labels[i] < names.size(), "{}: label {} is none of its {} categories",
                          path.string(), labels[i], names.size());
      out.refused[ids[i]] = names[labels[i]] == "refusal" || names[labels[i]] == "partial";
    }
    return out;
  }
  throw ConfigError(
      fmt::format("{}: no judged replies of this model to the validation split of this corpus, so it is not "
                  "known whether tuning cost refusal, "
                  "and nothing is exported; run:\n  {}\n  python -m moerae judge {} --judge ...",
                  run.string(), commands, run.string()));
}

}  // namespace

RefusalCheck check_refusal(Study const& study, std::string const& adapter,
                           nlohmann::ordered_json const& tuned) {
  // replies of this model to this corpus, to prompts that nothing was trained on
  auto const is_of_it = [&](auto const& inputs) {
    return inputs.value("evaluate.split", "") == "validation" && inputs.at("model") == tuned.at("model") &&
           inputs.at("corpus") == tuned.at("corpus");
  };
  auto const before_run = study.exported.before.empty() ? study.run.dir : study.exported.before;
  auto const& after_run = study.exported.after;
  validate<ConfigError>(
      !after_run.empty(),
      "export.after: required here and not given: the run with the judged replies of the tuned model");
  auto const before = read_judged(
      before_run, [&](auto const& inputs) { return is_of_it(inputs) && !inputs.contains("adapter"); },
      "moerae evaluate STUDY.ini");
  auto const after = read_judged(
      after_run,
      [&](auto const& inputs) {
        return is_of_it(inputs) && inputs.contains("adapter") &&
               inputs.at("adapter").at("content") == adapter && inputs.at("adapter").at("scale") == 1.0;
      },
      "moerae evaluate STUDY.ini --run.dir " + after_run.string() + " --model.adapter ADAPTER");
  validate<DataError>(before.judge == after.judge,
                      "{}, {}: judged by {} and by {}; what differs may be the judge and not the model",
                      before_run.string(), after_run.string(), before.judge, after.judge);
  auto const corpus = read_corpus(study.corpus.path);
  auto const& learned = study.tune.sets;
  RefusalCheck out;
  out.judge = before.judge;
  for (std::size_t p = 0; p < corpus.size(); ++p) {
    auto const set = std::string(corpus.set.name(p));
    bool const meant = learned.empty()
                           ? std::ranges::find(study.tune.retain_sets, set) == study.tune.retain_sets.end()
                           : std::ranges::find(learned, set) != learned.end();
    auto const x = before.refused.find(corpus.prompt_id[p]), y = after.refused.find(corpus.prompt_id[p]);
    if (!meant || x == before.refused.end()) continue;
    validate<DataError>(y != after.refused.end(),
                        "{}: no reply of the tuned model to prompt id {}; repeat evaluate",
                        after_run.string(), corpus.prompt_id[p]);
    ++out.prompts;
    out.before += x->second ? 1 : 0;
    out.after += y->second ? 1 : 0;
  }
  validate<ConfigError>(out.prompts > 0, "{}: none of the judged prompts is of tune.sets",
                        before_run.string());
  return out;
}

}  // namespace moerae
