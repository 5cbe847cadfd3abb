#include "moerae/keys/values.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "keys/expand.hpp"

namespace moerae::kind {
namespace {

[[noreturn]] void refuse(std::string const& expects) {
  throw BadValue("expected " + expects);
}

std::string trimmed(std::string_view text) {
  auto const from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return std::string(text.substr(from, text.find_last_not_of(" \t") - from + 1));
}

bool contains(std::vector<std::string> const& words, std::string const& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// study.ini must read back what was given: there '#' and a ';' behind a blank start a comment, a quote at the
// start ends at the next one, and ends of line and outer blanks are lost
void check_writable(std::string const& text) {
  bool const cut = text.find_first_of("#\n\r") != std::string::npos || text.starts_with(';') ||
                   text.find(" ;") != std::string::npos || text.find("\t;") != std::string::npos;
  if (cut || text != trimmed(text) || text.starts_with('"') || text.starts_with('\''))
    throw BadValue(
        "'#', ';' behind a blank, ends of line, quotes at the start and blanks at the ends cannot be kept in "
        "a study file; use another name");
}

}  // namespace

bool Flag::parse(std::string const& text, Folder const&) const {
  if (text == "true" || text == "yes" || text == "on" || text == "1") return true;
  if (text == "false" || text == "no" || text == "off" || text == "0") return false;
  refuse(expects());
}

template <class Int>
std::string Integer<Int>::expects() const {
  auto const text = fmt::format("integer >= {}", least);
  return most == std::numeric_limits<Int>::max() ? text : fmt::format("{} and <= {}", text, most);
}

template <class Int>
Int Integer<Int>::parse(std::string const& text, Folder const&) const {
  Int value{};
  auto const* const end = text.data() + text.size();
  auto const [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::result_out_of_range) refuse(fmt::format("integer >= {} and <= {}", least, most));
  if (error != std::errc{} || stop != end || value < least || value > most) refuse(expects());
  return value;
}
template struct Integer<int>;
template struct Integer<std::int64_t>;
template struct Integer<std::uint64_t>;

std::string Number::expects() const {
  std::vector<std::string> bounds;
  for (auto const& [sign, bound] : {std::pair(">", above), std::pair(">=", least), std::pair("<=", most)})
    if (std::isfinite(bound)) bounds.push_back(fmt::format(" {} {}", sign, bound));
  return fmt::format("number{}", fmt::join(bounds, " and"));
}

double Number::parse(std::string const& text, Folder const&) const {
  double value = 0;
  auto const* const end = text.data() + text.size();
  auto const [stop, error] = std::from_chars(text.data(), end, value);
  bool const within = std::isfinite(value) && value > above && value >= least && value <= most;
  if (error != std::errc{} || stop != end || !within) refuse(expects());
  return value;
}

std::string Number::print(double value) const {
  return fmt::format("{}", value);
}

std::string Word::expects() const {
  std::vector<std::string> named;
  for (auto const& word : words) named.push_back(word.empty() ? "(empty)" : word);
  return fmt::format("{}", fmt::join(named, " | "));
}

std::string Word::parse(std::string const& text, Folder const&) const {
  if (contains(later, text))
    throw BadValue(fmt::format("'{}' is not available in this version; expected {}", text, expects()));
  for (auto const& [word, why] : former)
    if (word == text) throw BadValue(fmt::format("'{}' {}; expected {}", text, why, expects()));
  if (!contains(words, text)) refuse(expects());
  return text;
}

std::string SetName::parse(std::string const& text, Folder const&) const {
  check_writable(text);
  if (text.find('@') != std::string::npos)
    throw BadValue(
        "a prompt set is meant; groups by outcome (set@refused) are compared by contrast.groups and "
        "select.NAME.groups");
  if (text.find_first_of(",:/") != std::string::npos) refuse("one set name, without ',' ':' and '/'");
  return text;
}

std::filesystem::path Path::parse(std::string const& text, Folder const& base) const {
  check_writable(text);
  if (text.empty()) return {};
  auto const meant = expanded(text);
  check_writable(meant);
  if (meant.find('$') != std::string::npos)  // study.ini would expand it once more
    throw BadValue(fmt::format("'$' in the value of a variable: {}; write the path in full", meant));
  auto path = std::filesystem::absolute(base / meant).lexically_normal();
  return path.has_filename() ? path : path.parent_path();  // "runs/a/" and "runs/a" are the same folder
}

std::vector<std::string> split(std::string const& text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t from = 0; from <= text.size();) {
    auto const to = std::min(text.find(separator, from), text.size());
    parts.push_back(trimmed(text.substr(from, to - from)));
    from = to + 1;
  }
  return parts;
}

}  // namespace moerae::kind
