#include "app/sweep/axes.hpp"

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>

#include "app/options/keys.hpp"
#include "moerae/keys/values.hpp"

namespace moerae {
namespace {

constexpr std::int64_t longest_range = 100'000;

// The parts of a value; a range of integers is all of them.
std::vector<std::string> parts_of(Given const& given, Faults& faults) {
  static std::regex const range("([0-9]{1,18})\\.\\.([0-9]{1,18})");
  std::vector<std::string> parts;
  for (auto const& text : kind::split(given.value, '|')) {
    std::smatch ends;
    if (!std::regex_match(text, ends, range)) {
      parts.push_back(text);
      continue;
    }
    auto const first = std::stoll(ends[1]), last = std::stoll(ends[2]);
    if (last < first || last - first >= longest_range)
      faults.add({}, "{}: {} = {}: a range FIRST..LAST ascends and has at most {} values", given.origin,
                 given.name, text, longest_range);
    else
      for (auto value = first; value <= last; ++value) parts.push_back(std::to_string(value));
  }
  return parts;
}

bool is_path(std::string const& key) {
  auto const row = std::ranges::find(study_keys(), key, &Key<Study>::name);
  return row != study_keys().end() && row->expects == kind::Path{}.expects();
}

std::string safe(std::string text) {
  auto const allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
  };
  std::ranges::replace_if(
      text, [&](char c) { return !allowed(c); }, '-');
  return text;
}

// The last `n` parts of a path.
std::string tail(std::string const& text, std::size_t n) {
  std::vector<std::string> parts;
  for (auto const& part : std::filesystem::path(text).lexically_normal())
    if (!part.empty() && part != "/" && part != "." && part != "..") parts.push_back(part.string());
  std::string out;
  for (auto i = parts.size() - std::min(n, parts.size()); i < parts.size(); ++i)
    out += (out.empty() ? "" : "-") + parts[i];
  return safe(out);
}

// Of paths as few of their last parts as tell them apart. Values that are the same under different keys of a
// group (a dtype beside a path) stay the same.
std::vector<std::string> labels_of(std::string const& key, std::vector<Given> const& values) {
  std::vector<std::string> labels;
  std::set<std::string> texts;
  for (auto const& value : values) texts.insert(value.value);
  for (std::size_t n = 1; n <= 8; ++n) {
    labels.clear();
    for (auto const& value : values)
      labels.push_back(is_path(key) ? tail(value.value, n) : safe(value.value));
    if (std::set(labels.begin(), labels.end()).size() == texts.size()) break;
  }
  return labels;
}

struct Listed {
  Axis axis;
  bool grouped = false;
};

std::vector<std::vector<std::string>> groups_of(SweepOptions const& options) {
  std::vector<std::vector<std::string>> groups;
  for (auto const& group : options.zip) groups.push_back(kind::split(group, '+'));
  return groups;
}

AxisGroup bring_together(std::vector<std::string> const& keys, std::vector<Listed>& all, Faults& faults) {
  AxisGroup group;
  for (auto const& key : keys) {
    auto const found = std::ranges::find(all, key, [](Listed const& one) { return one.axis.key; });
    if (found == all.end())
      faults.add({}, "sweep.zip: {} has not several values; give it as many as the others, VALUE | VALUE",
                 key);
    else if (found->grouped)
      faults.add({}, "sweep.zip: {} is there twice; a key advances with one group", key);
    else if (!group.empty() && group.front().values.size() != found->axis.values.size())
      faults.add({}, "sweep.zip: {} has {} values and {} has {}; keys that advance together have as many",
                 group.front().key, group.front().values.size(), key, found->axis.values.size());
    else
      group.push_back(found->axis);
    if (found != all.end()) found->grouped = true;
  }
  return group;
}

}  // namespace

std::size_t Axes::combinations() const {
  std::size_t n = 1;
  for (auto const& group : groups) n *= group.front().values.size();
  return n;
}

Axes find_axes(std::vector<Given> const& given, SweepOptions const& options, Faults& faults) {
  Axes axes;
  std::vector<Listed> all;
  for (auto const& one : given) {
    auto const parts = parts_of(one, faults);
    if (parts.size() == 1) {
      axes.fixed.push_back(one);
      axes.fixed.back().value = parts.front();
      continue;
    }
    Axis axis{one.name, {}, {}};
    for (auto const& part : parts) {
      if (part.empty())
        faults.add({}, "{}: {} = {}: nothing stands between two '|'", one.origin, one.name, one.value);
      axis.values.push_back({one.name, part, one.origin, one.base});
    }
    axis.labels = labels_of(axis.key, axis.values);
    if (!parts.empty()) all.push_back({std::move(axis)});
  }
  auto const groups = groups_of(options);
  for (std::size_t i = 0; i < all.size(); ++i) {  // a group stands where the first of its keys does
    if (all[i].grouped) continue;
    auto const mine = std::ranges::find_if(
        groups, [&](auto const& keys) { return std::ranges::find(keys, all[i].axis.key) != keys.end(); });
    if (mine == groups.end()) {
      auto const& values = all[i].axis.values;
      for (std::size_t v = 0; v < values.size(); ++v)
        if (std::any_of(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(v),
                        [&](Given const& other) { return other.value == values[v].value; }))
          faults.add({}, "{}: {}: '{}' is there twice; two cells would be the same", values[v].origin,
                     all[i].axis.key, values[v].value);
      axes.groups.push_back({all[i].axis});
    } else if (auto group = bring_together(*mine, all, faults); !group.empty()) {
      axes.groups.push_back(std::move(group));
    }
  }
  for (auto const& keys : groups)  // those of which no key is an axis
    if (std::ranges::none_of(keys, [&](auto const& key) { return find_axis(axes, key) != nullptr; }))
      (void)bring_together(keys, all, faults);
  return axes;
}

std::string label_of(Given const& value) {
  return labels_of(value.name, {value}).front();
}

Axis const* find_axis(Axes const& axes, std::string const& key) {
  for (auto const& group : axes.groups)
    for (auto const& axis : group)
      if (axis.key == key) return &axis;
  return nullptr;
}

}  // namespace moerae
