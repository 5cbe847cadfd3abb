#include "app/sweep/sweep.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>

#include "app/options/keys.hpp"
#include "app/options/nearest.hpp"
#include "app/sweep/axes.hpp"
#include "app/sweep/cell_faults.hpp"
#include "app/sweep/stages.hpp"
#include "moerae/base/check.hpp"
#include "moerae/keys/values.hpp"
#include "moerae/reduce/names.hpp"

namespace moerae {
namespace {

using kind::split;

// What the sweep itself decides for every cell.
constexpr std::pair<std::string_view, std::string_view> decided[] = {
    {"run.dir", "every cell has a run directory of its own below sweep.dir; remove it"},
    {"run.from", "the sweep knows which cells share a record; remove it"}};

template <class Target>
void parse(std::vector<Key<Target>> const& rows, std::string const& prefix, Target& target,
           Given const& given, Faults& faults) {
  auto const row = std::ranges::find(rows, given.name.substr(prefix.size()), &Key<Target>::name);
  if (row == rows.end()) {
    std::vector<std::string> known;
    for (auto const& one : rows) known.push_back(prefix + one.name);
    return faults.add({}, "{}: {}", given.origin, unknown_key(given.name, known));
  }
  try {
    row->parse(target, given.value, given.base);
  } catch (kind::BadValue const& reason) {
    faults.add({}, "{}: {} = {}: {}", given.origin, given.name, given.value, reason.what());
  }
}

SweepOptions take_options(std::vector<Given>& given, Faults& faults) {
  SweepOptions options;
  std::erase_if(given, [&](Given const& one) {
    if (!one.name.starts_with("sweep.")) return false;
    parse(sweep_keys(), "sweep.", options, one, faults);
    return true;
  });
  if (options.dir.empty())
    faults.add({}, "sweep.dir: required here and not given (where all cells are written)");
  if (options.stages.empty()) faults.add({}, "sweep.stages: names no stage");
  std::ranges::sort(options.stages, {}, [](std::string const& name) {
    return std::ranges::find(swept_stages, name, &SweptStage::name) - swept_stages.begin();
  });
  for (auto const& one : given)
    for (auto const& [key, why] : decided)
      if (one.name == key) faults.add({}, "{}: {}: {}", one.origin, key, why);
  return options;
}

// One combination: of every group the number of its values.
using At = std::vector<std::size_t>;

bool advance(At& at, Axes const& axes) {
  for (auto i = at.size(); i-- > 0;) {
    if (++at[i] < axes.groups[i].front().values.size()) return true;
    at[i] = 0;
  }
  return false;
}

struct Pick {
  Axis const* axis;
  std::size_t value;
};

std::vector<Pick> picks_of(Axes const& axes, At const& at) {
  std::vector<Pick> picks;
  for (std::size_t i = 0; i < at.size(); ++i)
    for (auto const& axis : axes.groups[i]) picks.push_back({&axis, at[i]});
  return picks;
}

struct Condition {
  std::string key, value;
};

// sweep.exclude, checked against the axes.
std::vector<std::vector<Condition>> exclusions(SweepOptions const& options, Axes const& axes,
                                               Faults& faults) {
  std::vector<std::vector<Condition>> all;
  for (auto const& text : options.exclude) {
    auto& conditions = all.emplace_back();
    for (auto const& part : split(text, '+')) {
      auto const sides = split(part, '=');
      if (sides.size() != 2) {
        faults.add({}, "sweep.exclude: '{}': expected KEY = VALUE", part);
        continue;
      }
      auto const* axis = find_axis(axes, sides[0]);
      auto const known = axis && std::ranges::any_of(axis->values, [&](Given const& value) {
                           return value.value == sides[1];
                         });
      if (!axis)
        faults.add({}, "sweep.exclude: {} has not several values", sides[0]);
      else if (!known && std::ranges::find(axis->labels, sides[1]) == axis->labels.end())
        faults.add({}, "sweep.exclude: '{}' is not among the values of {}: {}", sides[1], sides[0],
                   fmt::join(axis->labels, ", "));
      conditions.push_back({sides[0], sides[1]});
    }
  }
  return all;
}

bool is_excluded(std::vector<std::vector<Condition>> const& all, std::vector<Pick> const& picks) {
  auto const holds = [&](Condition const& one) {
    return std::ranges::any_of(picks, [&](Pick const& pick) {
      return pick.axis->key == one.key &&
             (pick.axis->values[pick.value].value == one.value || pick.axis->labels[pick.value] == one.value);
    });
  };
  return std::ranges::any_of(all,
                             [&](auto const& conditions) { return std::ranges::all_of(conditions, holds); });
}

// Of every group its first key: of a path its label, else the last word of the key and the value.
std::string default_names(Axes const& axes) {
  std::string form;
  for (auto const& group : axes.groups) {
    auto const& axis = group.front();
    bool const path = axis.key.ends_with("path");
    form += fmt::format("{}{}{{{}}}", form.empty() ? "" : "-",
                        path ? "" : axis.key.substr(axis.key.rfind('.') + 1), axis.key);
  }
  return form.empty() ? "cell" : form;
}

// The text that stands for a key in a name; nothing where the sweep has no such key.
std::optional<std::string> label(std::string const& key, std::vector<Pick> const& picks, Axes const& axes) {
  for (auto const& pick : picks)
    if (pick.axis->key == key) return pick.axis->labels[pick.value];
  for (auto const& fixed : axes.fixed)
    if (fixed.name == key) return label_of(fixed);
  return {};
}

std::string name_of(std::string const& form, std::vector<Pick> const& picks, Axes const& axes,
                    Faults& faults) {
  std::string name;
  std::size_t at = 0;
  for (auto open = form.find('{'); open != std::string::npos; open = form.find('{', at)) {
    auto const close = form.find('}', open);
    auto const key = form.substr(open + 1, close == std::string::npos ? close : close - open - 1);
    auto const text = close == std::string::npos ? std::nullopt : label(key, picks, axes);
    if (!text) {
      faults.add({}, "sweep.names = {}: {{{}}} is no key of this sweep", form, key);
      return {};
    }
    name += form.substr(at, open - at) + *text;
    at = close + 1;
  }
  return name + form.substr(at);
}

struct Named {
  std::string name;
  std::vector<Pick> picks;
};

std::vector<Named> combine(Sweep& sweep, Axes const& axes, Faults& faults) {
  auto const excluded = exclusions(sweep.options, axes, faults);
  auto const form = sweep.options.names.empty() ? default_names(axes) : sweep.options.names;
  std::vector<Named> all;
  std::set<std::string> names;
  At at(axes.groups.size(), 0);
  do {
    auto picks = picks_of(axes, at);
    if (is_excluded(excluded, picks)) {
      ++sweep.excluded;
      continue;
    }
    auto const name = name_of(form, picks, axes, faults);
    if (name.empty()) return {};
    if (!can_name_a_file(name) || name == "log" || name.starts_with("record-") || name.starts_with("reduce-"))
      faults.add({},
                 "the cell '{}': the name becomes that of a folder; {}, nor log, record-... or reduce-...; "
                 "set sweep.names",
                 name, file_name_rule);
    else if (!names.insert(name).second)
      faults.add({}, "two cells are called '{}'; set sweep.names so that every key that varies is in it",
                 name);
    all.push_back({name, std::move(picks)});
  } while (advance(at, axes));
  if (all.empty()) faults.add({}, "sweep.exclude leaves no cell");
  return all;
}

SweepCell make_cell(SweepOptions const& options, Axes const& axes, Named const& named,
                    std::vector<std::string> const& required, CellFaults& faults) {
  auto keys = axes.fixed;
  SweepCell cell{named.name, {}, {}, {}};
  for (auto const& pick : named.picks) {
    keys.push_back(pick.axis->values[pick.value]);
    cell.values.emplace_back(pick.axis->key, keys.back().value);
  }
  Faults of_jobs;
  std::erase_if(keys, [&](Given const& one) {
    if (!one.name.starts_with("job.")) return false;
    auto const stage = one.name.substr(4, one.name.find('.', 4) - 4);
    if (std::ranges::find(swept_stages, stage, &SweptStage::name) == swept_stages.end())
      of_jobs.add({}, "{}: {}: '{}' is no stage of a sweep", one.origin, one.name, stage);
    else
      parse(job_keys(), fmt::format("job.{}.", stage), cell.jobs[stage], one, of_jobs);
    return true;
  });
  keys.push_back({"run.dir", (options.dir / named.name).string(), "sweep", "/"});
  auto reading = read_given(keys, required);
  for (auto const& fault : of_jobs.found()) faults.add(fault.text, cell.name);
  for (auto const& fault : reading.faults) faults.add(fault, cell.name);
  cell.study = std::move(reading.study);
  return cell;
}

std::vector<std::string> texts_of(Faults const& faults) {
  std::vector<std::string> texts;
  for (auto const& fault : faults.found())
    if (std::ranges::find(texts, fault.text) == texts.end()) texts.push_back(fault.text);
  return texts;
}

}  // namespace

Sweep read_sweep(StudySource const& source) {
  Faults faults;
  auto given = given_keys(source, faults);
  Sweep sweep;
  sweep.options = take_options(given, faults);
  auto const axes = find_axes(given, sweep.options, faults);
  std::vector<Named> const named =
      faults.found().empty() ? combine(sweep, axes, faults) : std::vector<Named>{};
  Stages needed = stage::none;
  for (auto const& one : swept_stages)
    if (std::ranges::find(sweep.options.stages, one.name) != sweep.options.stages.end()) needed |= one.bit;
  auto const required = required_keys(needed);
  CellFaults of_cells(named.size());
  for (auto const& one : named)
    sweep.cells.push_back(make_cell(sweep.options, axes, one, required, of_cells));
  if (named.empty()) {  // what can be said without knowing the cells
    CellFaults one_combination(1);
    (void)make_cell(sweep.options, axes, {"", picks_of(axes, At(axes.groups.size(), 0))}, {},
                    one_combination);
    auto texts = texts_of(faults);
    std::ranges::move(one_combination.texts(), std::back_inserter(texts));
    CellFaults(0).raise(texts);
  }
  of_cells.raise(texts_of(faults));
  return sweep;
}

}  // namespace moerae
