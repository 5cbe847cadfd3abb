#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

#include "moerae/base/check.hpp"
#include "moerae/model/expert_share.hpp"
#include "moerae/mpi/collective.hpp"
#include "tune/trainer_state.hpp"

// What of a training is written and read: Trainer::result and Trainer::restore.

namespace moerae {
namespace {

std::string const first_moment = "optimiser/first/", second_moment = "optimiser/second/";

// Where the experts of the members of a group, one member after another, stand among all chosen ones.
std::vector<std::size_t> places(std::vector<store::ExpertKey> const& chosen, ExpertShare share) {
  std::vector<std::size_t> out;
  for (int member = 0; member < share.width; ++member)
    for (std::size_t i = 0; i < chosen.size(); ++i)
      if (share.owner(chosen[i].expert.value) == member) out.push_back(i);
  return out;
}

// `mine`: n values of every expert of this member -> of every chosen expert, in their order.
template <class T>
std::vector<T> gather(mpi::Comm const& group, std::vector<std::size_t> const& places,
                      std::span<T const> mine) {
  std::string const bytes(reinterpret_cast<char const*>(mine.data()), mine.size_bytes());
  std::string all;
  for (auto const& part : mpi::gather_all(group, bytes)) all += part;
  auto const row = all.size() / places.size();
  std::vector<T> out(all.size() / sizeof(T));
  for (std::size_t i = 0; i < places.size(); ++i)
    std::memcpy(reinterpret_cast<char*>(out.data()) + places[i] * row, all.data() + i * row, row);
  return out;
}

}  // namespace

Trainer::Result Trainer::result(bool with_optimiser) const {
  auto& s = *state_;
  auto const& options = s.setting.options;
  auto const& group = s.setting.grid.experts;
  auto const at = places(s.setting.chosen, {s.setting.model.plan.router().experts, group.size()});
  Result out;
  out.info.method = word_of(trained_words, options.method);
  if (options.method == Trained::lora) out.info.scale = options.alpha / static_cast<double>(options.rank);
  out.info.step = s.steps;
  out.info.experts = s.setting.chosen;
  out.info.history = s.history;
  auto tokens = s.trained.tokens();
  mpi::sum(s.setting.grid.data, std::span(tokens));
  out.info.tokens = gather<std::int64_t>(group, at, tokens);
  std::map<std::string, std::vector<double>> norms{{"gate", {}}, {"up", {}}, {"down", {}}};
  for (std::size_t i = 0; i < s.trained.own().size(); ++i)
    for (auto const& [map, norm] : s.trained.norms(i)) norms[map].push_back(norm);
  for (auto const& [map, mine] : norms) out.info.norms[map] = gather<double>(group, at, mine);
  auto const add = [&](std::string const& prefix, torch::Tensor const& of) {
    for (auto const& [name, shape] : s.trained.shapes()) {
      std::vector<float> mine;
      for (std::size_t i = 0; i < s.trained.own().size(); ++i) {
        auto const values = s.trained.part(i, name, of);
        mine.insert(mine.end(), values.const_data_ptr<float>(),
                    values.const_data_ptr<float>() + values.numel());
      }
      std::vector<std::uint64_t> whole{at.size()};
      whole.insert(whole.end(), shape.begin(), shape.end());
      out.tensors[prefix + name] = {whole, gather<float>(group, at, mine)};
    }
  };
  add("", s.trained.values());
  if (!with_optimiser) return out;
  add(first_moment, s.adamw.first());
  add(second_moment, s.adamw.second());
  return out;
}

void Trainer::restore(store::AdapterReader const& checkpoint) {
  auto& s = *state_;
  auto const& info = checkpoint.info();
  auto const name = checkpoint.path().string();
  validate<DataError>(info.experts == s.setting.chosen,
                      "{}: it trains other experts than this study; delete it, or choose another run.dir",
                      name);
  validate<DataError>(info.step >= 0 && info.step <= s.setting.options.steps,
                      "{}: it stands behind step {}, this study has {}", name, info.step,
                      s.setting.options.steps);
  auto first = torch::zeros_like(s.trained.values()), second = torch::zeros_like(s.trained.values());
  auto const read = [&](std::string const& prefix, torch::Tensor const& to) {
    for (auto const& [part, shape] : s.trained.shapes()) {
      validate<DataError>(checkpoint.has(prefix + part), "{}: {}{} is missing: no checkpoint of this study",
                          name, prefix, part);
      std::vector<std::uint64_t> const expected(shape.begin(), shape.end());
      validate<DataError>(checkpoint.shape(prefix + part) == expected,
                          "{}: {}{} is [{}] for an expert, not [{}]", name, prefix, part,
                          fmt::join(checkpoint.shape(prefix + part), ", "), fmt::join(expected, ", "));
      for (std::size_t i = 0; i < s.trained.own().size(); ++i) {
        auto const place = std::ranges::lower_bound(info.experts, s.trained.own()[i]) - info.experts.begin();
        auto const values = checkpoint.tensor(prefix + part, static_cast<std::size_t>(place));
        std::ranges::copy(values, s.trained.part(i, part, to).data_ptr<float>());
      }
    }
  };
  read("", s.trained.values());
  read(first_moment, first);
  read(second_moment, second);
  s.adamw.restore(first, second, info.step);
  s.trained.show();
  s.steps = info.step;
  s.history = info.history;
  // counted so far: once, by the first group
  for (std::size_t i = 0; i < s.trained.own().size(); ++i) {
    auto const place = std::ranges::lower_bound(info.experts, s.trained.own()[i]) - info.experts.begin();
    s.trained.tokens()[i] = s.setting.grid.group == 0 ? info.tokens[static_cast<std::size_t>(place)] : 0;
  }
}

}  // namespace moerae
