#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moerae/base/words.hpp"

// Kinds of values of a study. Each has `type`, expects() (for messages and help), parse(text, base),
// print(value) with parse(print(v)) == v, and json(value). `base` is the folder that relative paths start
// from.

namespace moerae::kind {

using Folder = std::filesystem::path;

/// The text is not a value of the kind; what() is the expectation or the reason, without key and value.
class BadValue : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Flag {
  using type = bool;
  [[nodiscard]] std::string expects() const { return "true | false"; }
  [[nodiscard]] bool parse(std::string const& text, Folder const&) const;
  [[nodiscard]] std::string print(bool value) const { return value ? "true" : "false"; }
  [[nodiscard]] nlohmann::json json(bool value) const { return value; }
};

template <class Int>
struct Integer {
  using type = Int;
  Int least = 0;
  Int most = std::numeric_limits<Int>::max();
  [[nodiscard]] std::string expects() const;
  [[nodiscard]] Int parse(std::string const& text, Folder const&) const;  // int, int64, uint64
  [[nodiscard]] std::string print(Int value) const { return std::to_string(value); }
  [[nodiscard]] nlohmann::json json(Int value) const { return value; }
};

/// A finite number with above < value and least <= value <= most.
struct Number {
  using type = double;
  double above = -std::numeric_limits<double>::infinity();
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  [[nodiscard]] std::string expects() const;
  [[nodiscard]] double parse(std::string const& text, Folder const&) const;
  [[nodiscard]] std::string print(double value) const;  ///< shortest text that reads back to the same bits
  [[nodiscard]] nlohmann::json json(double value) const { return value; }
};

/// A word of earlier versions: "'<word>' <why>".
struct FormerWord {
  std::string word, why;
};
/// One of a list of words. Those of `later` are known, but refused as not available in this version.
struct Word {
  using type = std::string;
  std::vector<std::string> words;
  std::vector<std::string> later = {};
  std::vector<FormerWord> former = {};
  [[nodiscard]] std::string expects() const;
  [[nodiscard]] std::string parse(std::string const& text, Folder const&) const;
  [[nodiscard]] std::string print(std::string const& value) const { return value; }
  [[nodiscard]] nlohmann::json json(std::string const& value) const { return value; }
};

/// A value of an enum by its word. Former words as in Word.
template <class Enum, std::size_t n>
struct Choice {
  using type = Enum;
  Words<Enum, n> table;
  std::vector<FormerWord> former = {};
  [[nodiscard]] Word words() const {
    Word all{{}, {}, former};
    for (auto const& [word, value] : table) all.words.emplace_back(word);
    return all;
  }
  [[nodiscard]] std::string expects() const { return words().expects(); }
  [[nodiscard]] Enum parse(std::string const& text, Folder const& base) const {
    auto const word = words().parse(text, base);
    return std::ranges::find(table, word, [](auto const& row) { return row.first; })->second;
  }
  [[nodiscard]] std::string print(Enum value) const { return word_of(table, value); }
  [[nodiscard]] nlohmann::json json(Enum value) const { return print(value); }
};

/// The name of a prompt set; empty = none.
struct SetName {
  using type = std::string;
  [[nodiscard]] std::string expects() const { return "set name"; }
  [[nodiscard]] std::string parse(std::string const& text, Folder const&) const;
  [[nodiscard]] std::string print(std::string const& value) const { return value; }
  [[nodiscard]] nlohmann::json json(std::string const& value) const { return value; }
};

/// Made absolute; empty stays empty.
struct Path {
  using type = std::filesystem::path;
  [[nodiscard]] std::string expects() const { return "path"; }
  [[nodiscard]] type parse(std::string const& text, Folder const& base) const;
  [[nodiscard]] std::string print(type const& value) const { return value.string(); }
  [[nodiscard]] nlohmann::json json(type const& value) const { return value.string(); }
};

/// A value or the word `none`, which stands for no value (it may be empty).
template <class Inner>
struct Optional {
  using type = std::optional<typename Inner::type>;
  Inner inner;
  std::string none;
  nlohmann::json none_json = none.empty() ? nlohmann::json(nullptr) : nlohmann::json(none);
  [[nodiscard]] std::string expects() const { return (none.empty() ? "" : none + " | ") + inner.expects(); }
  [[nodiscard]] type parse(std::string const& text, Folder const& base) const {
    return text == none ? type{} : type{inner.parse(text, base)};
  }
  [[nodiscard]] std::string print(type const& value) const { return value ? inner.print(*value) : none; }
  [[nodiscard]] nlohmann::json json(type const& value) const {
    return value ? inner.json(*value) : none_json;
  }
};

/// What stands between the separators, without the blanks around it; one part, where there is none.
[[nodiscard]] std::vector<std::string> split(std::string const& text, char separator);

/// Comma-separated, none twice; the empty text is the empty list.
template <class Inner>
struct List {
  using type = std::vector<typename Inner::type>;
  Inner inner;
  [[nodiscard]] std::string expects() const { return inner.expects() + "[, ...]"; }
  [[nodiscard]] type parse(std::string const& text, Folder const& base) const {
    type values;
    auto const parts = split(text, ',');
    if (parts.size() == 1 && parts.front().empty()) return values;
    for (auto const& part : parts) {
      if (part.empty()) throw BadValue("an empty entry between the commas");
      values.push_back(inner.parse(part, base));
      for (std::size_t i = 0; i + 1 < values.size(); ++i)
        if (inner.print(values[i]) == inner.print(values.back()))
          throw BadValue("'" + part + "' is there twice");
    }
    return values;
  }
  [[nodiscard]] std::string print(type const& values) const {
    std::string text;
    for (auto const& value : values) text += (text.empty() ? "" : ", ") + inner.print(value);
    return text;
  }
  [[nodiscard]] nlohmann::json json(type const& values) const {
    auto array = nlohmann::json::array();
    for (auto const& value : values) array.push_back(inner.json(value));
    return array;
  }
};

}  // namespace moerae::kind
