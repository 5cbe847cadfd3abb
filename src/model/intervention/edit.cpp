#include "moerae/model/intervention/edit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace moerae {
namespace {

using Chosen = std::vector<bool>;  // [K]

Chosen row_of(torch::Tensor const& table, std::int64_t condition, std::int64_t experts) {
  Chosen out(static_cast<std::size_t>(experts), false);
  if (!table.defined()) return out;
  auto const row = table[condition].to(torch::kCPU, torch::kBool).contiguous();
  std::copy_n(row.const_data_ptr<bool>(), experts, out.begin());
  return out;
}

std::int64_t count(Chosen const& chosen) {
  return std::ranges::count(chosen, true);
}

bool overlap(Chosen const& a, Chosen const& b) {
  for (std::size_t e = 0; e < a.size(); ++e)
    if (a[e] && b[e]) return true;
  return false;
}

// One group of experts under a condition.
struct Group {
  std::int64_t open = 0;  // experts that can be selected
  bool forced = false;
};

std::vector<Group> groups_of(Chosen const& masked, Chosen const& forced, RouterSpec const& spec) {
  std::vector<Group> out(static_cast<std::size_t>(spec.groups));
  auto const size = masked.size() / out.size();
  for (std::size_t e = 0; e < masked.size(); ++e) {
    out[e / size].open += masked[e] ? 0 : 1;
    out[e / size].forced = out[e / size].forced || forced[e];
  }
  return out;
}

// The fewest experts that a token can be left with. Groups with a forced expert come first; then those with a
// finite score, in any order; then, lowest id first, those whose score is minus infinity.
std::int64_t fewest_left(std::vector<Group> const& groups, RouterSpec const& spec) {
  std::int64_t const scored = spec.group_score == RouterSpec::GroupScore::best ? 1 : 2;
  std::vector<std::int64_t> sure, any, last;
  for (auto const& group : groups)
    (group.forced ? sure : group.open >= scored ? any : last).push_back(group.open);
  std::ranges::sort(any);
  sure.insert(sure.end(), any.begin(), any.end());
  sure.insert(sure.end(), last.begin(), last.end());
  std::int64_t left = 0;
  for (std::int64_t g = 0; g < spec.top_groups; ++g) left += sure[static_cast<std::size_t>(g)];
  return left;
}

std::vector<std::string> faults_of(RouterEdit const& edit, std::int64_t condition, RouterSpec const& spec) {
  auto const row = [&](torch::Tensor const& table) { return row_of(table, condition, spec.experts); };
  auto const masked = row(edit.masked), raised = row(edit.raised), lowered = row(edit.lowered),
             forced = row(edit.forced);
  std::vector<std::string> out;
  auto const require = [&](bool ok, std::string_view text) {
    if (!ok) out.emplace_back(text);
  };
  require(!overlap(raised, lowered), "an expert is both raised and lowered");
  require(!overlap(masked, raised), "an expert is both masked and raised");
  require(!overlap(masked, forced), "an expert is both masked and forced");
  for (auto const& [name, chosen] : {std::pair{"raised", raised}, std::pair{"forced", forced}})
    require(count(chosen) <= spec.top_k,
            fmt::format("{} experts are {}, but a token selects {}", count(chosen), name, spec.top_k));
  auto const groups = groups_of(masked, forced, spec);
  auto const bound = std::ranges::count_if(groups, &Group::forced);
  require(
      bound <= spec.top_groups,
      fmt::format("forced experts lie in {} groups, but a token selects {} groups", bound, spec.top_groups));
  auto const left = fewest_left(groups, spec);
  require(left >= spec.top_k,
          fmt::format("{} of {} experts are masked, which can leave a token with {} to select {} from",
                      count(masked), spec.experts, left, spec.top_k));
  return out;
}

// Every row of a replay must be a selection of this router, or all -1.
void check(Replay const& replay, RouterSpec const& spec, std::vector<EditFault>& faults) {
  if (!replay.experts.defined()) return;
  auto const ids = replay.experts.to(torch::kCPU);
  bool const fits = ids.dim() == 2 && ids.size(1) == spec.top_k &&
                    (!replay.weights.defined() || replay.weights.sizes() == ids.sizes());
  if (!fits) {
    faults.push_back({-1, fmt::format("a replay is not [rows, {}]", spec.top_k)});
    return;
  }
  auto const selection =
      (ids.select(1, 0) >= 0) & (ids.select(1, spec.top_k - 1) < spec.experts) & (ids.diff(1, 1) > 0).all(1);
  auto const wrong = (~(selection | (ids == -1).all(1))).nonzero();
  if (wrong.size(0) > 0)
    faults.push_back(
        {-1, fmt::format("{} rows of a replay, the first of them {}, are no selection of {} from {} experts",
                         wrong.size(0), wrong[0][0].item<std::int64_t>(), spec.top_k, spec.experts)});
}

}  // namespace

bool spares_other_tokens(RouterSpec const& spec) {
  if (spec.groups > 1 && spec.top_groups < spec.groups) return false;
  switch (spec.weight) {
    case RouterSpec::Weight::softmax_of_chosen:
      return true;
    case RouterSpec::Weight::sparse_mixer:
      return false;
    case RouterSpec::Weight::score:
      break;
  }
  return spec.score != RouterSpec::Score::softmax || (spec.renormalise && spec.renormalise_eps == 0);
}

std::vector<EditFault> faults_of(RouterEdit const& edit, RouterSpec const& spec) {
  std::vector<EditFault> out;
  std::int64_t conditions = -1;
  for (auto const* table : {&edit.masked, &edit.raised, &edit.lowered, &edit.forced, &edit.scale}) {
    if (!table->defined()) continue;
    bool const fits = table->dim() == 2 && table->size(1) == spec.experts &&
                      (conditions < 0 || table->size(0) == conditions);
    if (!fits) return {{-1, fmt::format("a table is not [conditions, {}] like the others", spec.experts)}};
    conditions = table->size(0);
  }
  check(edit.replay, spec, out);
  for (std::int64_t c = 0; c < conditions; ++c)
    for (auto& text : faults_of(edit, c, spec)) out.push_back({c, std::move(text)});
  return out;
}

}  // namespace moerae
