#include "app/options/ini_line.hpp"

#include <fmt/format.h>

namespace moerae {
namespace {

constexpr char const* blanks = " \t\r";

std::string trimmed(std::string const& text) {
  auto const from = text.find_first_not_of(blanks);
  return from == std::string::npos ? "" : text.substr(from, text.find_last_not_of(blanks) - from + 1);
}

bool starts_comment(std::string const& text, std::size_t at) {
  return at == 0 || text[at - 1] == ' ' || text[at - 1] == '\t';
}

std::string without_comment(std::string const& text) {
  for (auto at = text.find_first_of("#;"); at != std::string::npos; at = text.find_first_of("#;", at + 1))
    if (starts_comment(text, at)) return trimmed(text.substr(0, at));
  return trimmed(text);
}

// A '#' was always a comment here: inside a word it is asked about.
bool hash_in_word(std::string const& text) {
  return without_comment(text).find('#') != std::string::npos;
}

IniLine quoted(IniLine line, std::string const& value) {
  auto const end = value.find(value.front(), 1);
  if (end == std::string::npos)
    line.fault = fmt::format("the quote of {} is not closed", line.key);
  else if (!without_comment(value.substr(end + 1)).empty())
    line.fault =
        fmt::format("text behind the closing quote of {}; quote the whole value or nothing", line.key);
  else
    line.value = value.substr(1, end - 1);
  return line;
}

}  // namespace

IniLine read_ini_line(std::string const& line) {
  IniLine out;
  auto const text = without_comment(line);
  if (text.empty()) return out;
  auto const equals = line.find('=');
  if (text.starts_with('[') && text.ends_with(']')) {
    out.section = trimmed(text.substr(1, text.size() - 2));
    return out;
  }
  if (text.find('=') == std::string::npos || trimmed(line.substr(0, equals)).empty()) {
    out.fault = fmt::format("'{}' is neither [section] nor key = value", text);
    return out;
  }
  out.key = trimmed(line.substr(0, equals));
  auto const value = trimmed(line.substr(equals + 1));
  if (value.starts_with('"') || value.starts_with('\'')) return quoted(std::move(out), value);
  if (hash_in_word(value))
    out.fault = "a '#' starts a comment, here in the middle of a word; put a blank before the comment";
  out.value = without_comment(line.substr(equals + 1));
  return out;
}

}  // namespace moerae
