#include "moerae/evaluate/base_replies.hpp"

#include <algorithm>

#include "moerae/base/check.hpp"
#include "moerae/corpus/corpus.hpp"
#include "moerae/model/intervention/edit.hpp"
#include "moerae/record/shard_reader.hpp"

namespace moerae {
namespace {

constexpr std::size_t classes = position_class_names.size();

bool acts_on(Phase phase, PositionClass at) {
  return phase == Phase::both || (phase == Phase::response) == (at == PositionClass::response);
}

// Whether tokens that did not choose the expert are left alone.
bool is_local(Action action, RouterSpec const& router) {
  switch (action) {
    case Action::none:
    case Action::scale:
      return true;
    case Action::mask:
    case Action::lower:
      return spares_other_tokens(router);
    case Action::raise:
    case Action::force:
      break;
  }
  return false;
}

template <class T>
void copy_part(std::vector<T> const& from, std::size_t first, std::vector<T>& to, std::size_t at,
               std::size_t n) {
  std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(first), n,
              to.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace

std::optional<BaseReplies> read_base_replies(std::filesystem::path const& path,
                                             std::span<std::uint64_t const> prompt_ids) {
  auto const reader = ShardReader::open(path);
  auto const file = store::File::open(path);
  if (file.has_attribute("reply/tokens", "removed")) return {};
  BaseReplies out{reader.record(), {}};
  auto const tokens = file.read<std::uint32_t>("reply/tokens");
  auto const offset = file.read<std::int64_t>("reply/offset");
  auto const finish = file.read<std::uint8_t>("reply/finish");
  auto const prompts = prompt_ids.size();
  validate<DataError>(std::ranges::equal(reader.prompt_ids(), prompt_ids) && offset.size() == prompts + 1 &&
                          finish.size() == prompts && std::ranges::is_sorted(offset) && offset.front() == 0 &&
                          offset.back() == static_cast<std::int64_t>(tokens.size()),
                      "{}: does not hold the replies to the {} prompts of its shard; other conditions keep "
                      "those that they do "
                      "not change: delete it and repeat `moerae evaluate`",
                      path.string(), prompts);
  for (std::size_t i = 0; i < prompts; ++i) {
    auto const reply = part_of(tokens, offset, i);
    out.replies.push_back({{reply.begin(), reply.end()}, static_cast<Finish>(finish[i]), {}, {}});
  }
  return out;
}

std::vector<bool> untouched(BaseReplies const& base, Condition const& condition, Phase phase,
                            ModelPlan const& plan) {
  auto const& space = base.record.space;
  std::vector<bool> out(base.replies.size(), is_local(condition.spec.action, plan.router()));
  for (auto const& [layer, expert] : condition.experts) {
    auto const at = std::ranges::lower_bound(space.layers, layer.value);
    expect(at != space.layers.end() && *at == layer.value, "layer {} has no experts", layer.value);
    auto const e = space.index(static_cast<std::size_t>(at - space.layers.begin()),
                               static_cast<std::size_t>(expert.value));
    for (std::size_t i = 0; i < out.size(); ++i)
      for (std::size_t c = 0; c < classes; ++c)
        if (acts_on(phase, static_cast<PositionClass>(c)) &&
            base.record.count[(i * classes + c) * space.size() + e] > 0)
          out[i] = false;
  }
  return out;
}

void take_over(ShardRecord const& base, std::size_t i, ShardRecord& record) {
  auto const row = classes * base.space.size();
  copy_part(base.count, i * row, record.count, i * row, row);
  copy_part(base.mass, i * row, record.mass, i * row, row);
  if (record.expert.empty()) return;
  auto const token = base.space.layers.size() * static_cast<std::size_t>(base.space.top_k);
  auto const first = static_cast<std::size_t>(base.offset[i]),
             at = static_cast<std::size_t>(record.offset[i]);
  auto const n = static_cast<std::size_t>(record.offset[i + 1]) - at;
  expect(!base.expert.empty() && first + n == static_cast<std::size_t>(base.offset[i + 1]),
         "prompt {} has other tokens in the base", record.prompt_id[i]);
  copy_part(base.expert, first * token, record.expert, at * token, n * token);
  copy_part(base.weight, first * token, record.weight, at * token, n * token);
}

}  // namespace moerae
