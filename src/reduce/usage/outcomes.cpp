#include "reduce/usage/outcomes.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>

#include "moerae/base/check.hpp"
#include "moerae/store/file.hpp"
#include "moerae/store/manifest.hpp"
#include "reduce/usage/checked_record.hpp"

namespace moerae {
namespace {

namespace fs = std::filesystem;

constexpr char const* schema = "moerae.labels/1";
constexpr char const* how =
    "answer the discovery split by `moerae evaluate` with evaluate.split = discovery and evaluate.conditions "
    "= "
    "none, then run `python -m moerae judge`";

// What a label comes to; others, such as unparseable, are no outcome.
struct Row {
  std::string_view label, outcome;
};
constexpr Row table[] = {{"refusal", "refused"},
                         {"partial", "refused"},
                         {"compliance", "complied"},
                         {"broken", "broken"},
                         {"other", "other"}};

std::int32_t outcome_of(std::string_view label) {
  auto const row = std::ranges::find(table, label, &Row::label);
  if (row == std::end(table)) return -1;
  auto const word = std::ranges::find(outcome_words, row->outcome);
  return static_cast<std::int32_t>(word - outcome_words.begin());
}

bool same(store::StageDir const& a, store::StageDir const& b, char const* key) {
  auto const of = [&](store::StageDir const& stage) {
    return stage.inputs.contains(key) ? stage.inputs.at(key) : nlohmann::ordered_json();
  };
  return of(a) == of(b);
}

// The one evaluation of the discovery split of what was recorded.
store::StageDir evaluation(fs::path const& run, store::StageDir const& record, std::string const& asked) {
  auto found = store::list_stages(run, "evaluate");
  std::erase_if(found, [](auto const& stage) {
    return !stage.inputs.contains("evaluate.split") || stage.inputs.at("evaluate.split") != "discovery";
  });
  validate<ConfigError>(!found.empty(),
                        "{}: it is not known what became of the prompts, which {} asks for: {}", run.string(),
                        asked, how);
  std::erase_if(found, [&](auto const& stage) {
    return !same(stage, record, "model") || !same(stage, record, "corpus") || !same(stage, record, "adapter");
  });
  validate<ConfigError>(!found.empty(),
                        "{}: its replies to the discovery split are of another corpus, model or adapter than "
                        "what was recorded, so they do not say what {} asks for: {} with this one",
                        run.string(), asked, how);
  std::vector<std::string> names;
  for (auto const& stage : found) names.push_back(stage.path.filename().string());
  validate<ConfigError>(
      found.size() == 1,
      "{}: {} all hold replies to the discovery split, and it is not clear which of them {} "
      "means: remove the others",
      run.string(), fmt::join(names, ", "), asked);
  return found.front();
}

}  // namespace

std::string read_outcomes(fs::path const& run, store::StageDir const& record,
                          std::vector<std::string> const& sets, Corpus& corpus) {
  auto const asked = fmt::format("{}@...", fmt::join(sets, "@..., "));
  auto const path = evaluation(run, record, asked).path / "none" / "labels.h5";
  auto const manifest = store::Manifest::read(run);
  auto const* entry = manifest.find(path.lexically_relative(run).generic_string());
  validate<ConfigError>(entry != nullptr,
                        "{}: missing, the replies are not judged, and {} asks for what became "
                        "of the prompts: run `python -m moerae judge`",
                        path.string(), asked);
  require_intact(path, *entry, "evaluate");
  auto const file = store::File::open(path);
  auto const ids = file.read<std::uint64_t>("prompt_id");
  auto const labels = file.read<std::uint8_t>("label");
  auto const words = file.strings_attribute("label", "categories");
  validate<DataError>(file.string_attribute("/", "schema") == schema && labels.size() == ids.size() &&
                          std::ranges::all_of(labels, [&](auto code) { return code < words.size(); }),
                      "{}: no labels of replies; remove it and run `python -m moerae judge`", path.string());
  std::unordered_map<std::uint64_t, std::uint8_t> label_of;
  for (std::size_t i = 0; i < ids.size(); ++i) label_of.emplace(ids[i], labels[i]);

  corpus.outcome = {std::vector<std::int32_t>(corpus.size(), -1),
                    {outcome_words.begin(), outcome_words.end()}};
  std::size_t missing = 0, all = 0;
  for (std::size_t p = 0; p < corpus.size(); ++p) {
    auto const label = label_of.find(corpus.prompt_id[p]);
    bool const wanted =
        corpus.split[p] == Split::discovery && std::ranges::find(sets, corpus.set.name(p)) != sets.end();
    all += wanted ? 1 : 0;
    missing += wanted && label == label_of.end() ? 1 : 0;
    if (label != label_of.end()) corpus.outcome.code[p] = outcome_of(words[label->second]);
  }
  validate<ConfigError>(
      missing == 0,
      "{}: {} of the {} prompts of {} in the discovery split have no label; answer these sets, "
      "too (evaluate.sets), and judge the replies",
      path.string(), missing, all, fmt::join(sets, ", "));
  return entry->content_hash.value_or(entry->file_hash);
}

}  // namespace moerae
