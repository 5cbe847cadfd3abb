#include "app/text_table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace moerae {

std::string TextTable::text() const {
  std::vector<std::size_t> width(rows_.front().size(), 0);
  for (auto const& row : rows_)
    for (std::size_t c = 0; c < width.size(); ++c) width[c] = std::max(width[c], row[c].size());
  std::string text;
  for (auto const& row : rows_) {
    std::string line;
    for (std::size_t c = 0; c < width.size(); ++c) {
      bool const last = c + 1 == width.size();
      line += c ? "  " : "";
      line += c < left_ || (last && ragged_) ? fmt::format("{:<{}}", row[c], width[c])
                                             : fmt::format("{:>{}}", row[c], width[c]);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace moerae
