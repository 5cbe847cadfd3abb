#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <set>

#include "app/context.hpp"
#include "app/refusal_check.hpp"
#include "app/tune_job.hpp"
#include "moerae/mpi/agree.hpp"
#include "moerae/store/content_hash.hpp"
#include "moerae/store/publish.hpp"
#include "moerae/store/publish_folder.hpp"
#include "moerae/store/stage_dir.hpp"
#include "moerae/tune/delta.hpp"
#include "moerae/tune/merge.hpp"
#include "moerae/tune/peft.hpp"

namespace moerae {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

constexpr char const* proof_name = "moerae_proof.json";

Json proof_of(ExportFormat format, RefusalCheck const& refusal, std::string const& adapter,
              ModelSource const& model) {
  Json out{{"schema", "moerae.export/1"},
           {"format", word_of(export_formats, format)},
           {"adapter", adapter},
           {"base", model.checkpoint.fingerprint()},
           {"judge", refusal.judge}};
  for (auto const& [set, forbidden, prompts, before, after] : refusal.sets)
    out["refusal"].push_back(
        {{"set", set}, {"forbidden", forbidden}, {"prompts", prompts}, {"before", before}, {"after", after}});
  return out;
}

// What was changed, part by part; of every tensor its hash, and which of them are no longer as they were.
void add_merged(Json& proof, Merged const& merged) {
  proof["all_other_bytes"] = "identical";
  for (auto const& part : merged.parts)
    proof["changed"].push_back({{"file", part.file.filename().string()},
                                {"tensor", part.spelled()},
                                {"layer", part.expert.layer.value},
                                {"expert", part.expert.expert.value},
                                {"bytes", part.bytes},
                                {"before", part.before},
                                {"after", part.after}});
  for (auto const& [file, tensor, hash, before] : merged.tensors) {
    auto& one = proof["tensors"][file][tensor] = {{"hash", hash}};
    if (!before.empty()) one["before"] = before;
  }
}

std::string changes(std::vector<MergedPart> const& parts, store::AdapterReader const& adapter) {
  std::set<store::ExpertKey> experts;
  for (auto const& part : parts) experts.insert(part.expert);
  auto const& all = adapter.info().experts;
  if (experts.size() < all.size())
    spdlog::warn(
        "export: {} of {} trained experts are what they were: nothing was trained of them, or less than "
        "the rounding of the checkpoint's dtype",
        all.size() - experts.size(), all.size());
  return fmt::format("{} parts of tensors of {} experts changed", parts.size(), experts.size());
}

// Fills the folder `to`, the proof too; what was done, in words.
std::string write(ExportFormat format, Study const& study, ModelSource const& model,
                  store::AdapterReader const& adapter, Json proof, fs::path const& to) {
  std::string done;
  switch (format) {
    case ExportFormat::merged: {
      auto const merged = write_merged(model, adapter, study.model.path, to);
      add_merged(proof, merged);
      if (!merged.left_out.empty())
        spdlog::warn("export: left out, since what they hold of the model is not tuned: {}",
                     fmt::join(merged.left_out, ", "));
      done = changes(merged.parts, adapter) + ", every other byte as it was";
      break;
    }
    case ExportFormat::delta:
      done = changes(write_delta(model, adapter, to), adapter);
      break;
    case ExportFormat::peft:
      write_peft(model, adapter, study.model.path.string(), to);
      done = fmt::format("an adapter of {} experts", adapter.info().experts.size());
  }
  store::write_text(to / proof_name, proof.dump(1) + "\n");
  return done;
}

}  // namespace

ExitCode run_export(Context const& context, Study const& study) {
  mpi::agree(context.world, [&] {
    if (context.world.rank() != 0) return;
    validate<ConfigError>(study.model.adapter_scale == 1,
                          "model.adapter_scale = {}: what is exported is the tuned model, whose refusal was "
                          "measured, at scale 1; other scales exist in memory, for measurements",
                          study.model.adapter_scale);
    auto const job = make_tune_job(study);
    auto const stage = store::find_stage(study.run.dir, "tune", job.inputs);
    auto const path = stage.path / "adapter.h5";
    validate<ConfigError>(fs::exists(path), "{}: missing; run `moerae tune` first", path.string());
    auto const adapter = store::AdapterReader::open(path);
    validate<ConfigError>(!study.exported.format.empty(),
                          "export.format: it is empty; say what is to be made");
    for (auto const format : study.exported.format)
      format == ExportFormat::peft ? check_peft(job.model.plan, adapter) : check_mergeable(job.model.plan);
    auto const content = store::content_hash(path);
    auto const refusal = check_refusal(study, content, job.inputs);
    check_no_less(refusal);
    for (auto const format : study.exported.format) {
      auto const to = stage.path / word_of(export_formats, format);
      std::string done;
      store::publish_folder(to, [&](fs::path const& folder) {
        done =
            write(format, study, job.model, adapter, proof_of(format, refusal, content, job.model), folder);
      });
      spdlog::info("export: {}; {}; {}", done, refusal.text(), to.string());
    }
  });
  return ExitCode::complete;
}

}  // namespace moerae
