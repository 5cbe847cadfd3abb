#include "app/sweep/cell_faults.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "moerae/base/check.hpp"

namespace moerae {

void CellFaults::add(std::string const& text, std::string const& cell) {
  auto found = std::ranges::find(found_, text, [](auto const& one) { return one.first; });
  if (found == found_.end()) found = found_.insert(found, {text, {}});
  if (std::ranges::find(found->second, cell) == found->second.end()) found->second.push_back(cell);
}

std::vector<std::string> CellFaults::texts() const {
  std::vector<std::string> all;
  for (auto const& [text, cells] : found_) all.push_back(text);
  return all;
}

void CellFaults::raise(std::vector<std::string> const& others) const {
  auto lines = others;
  for (auto const& [text, cells] : found_) {
    constexpr std::size_t named = 8;
    std::vector<std::string> const first(
        cells.begin(), cells.begin() + static_cast<std::ptrdiff_t>(std::min(named, cells.size())));
    if (cells.size() == all_ && all_ > 1)
      lines.push_back(fmt::format("every cell: {}", text));
    else
      lines.push_back(fmt::format(
          "{}{}: {}", fmt::join(first, ", "),
          cells.size() > named ? fmt::format(" and {} more cells", cells.size() - named) : "", text));
  }
  validate<ConfigError>(lines.empty(), "{} fault{} in the sweep, so nothing was written:\n  {}", lines.size(),
                        lines.size() == 1 ? "" : "s", fmt::join(lines, "\n  "));
}

}  // namespace moerae
