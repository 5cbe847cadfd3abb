#include <cmath>

#include "model/families/family.hpp"
#include "moerae/base/check.hpp"

namespace moerae {

nlohmann::json const* Config::find(std::string const& field) const {
  auto const at = fields_.find(field);
  return at == fields_.end() || at->is_null() ? nullptr : &*at;
}

void Config::fail(std::string const& field, std::string const& expectation) const {
  auto const value = fields_.find(field);
  std::string shown = value != fields_.end() ? value->dump() : "(absent)";
  if (shown.size() > 80) shown = shown.substr(0, 80) + "...";
  throw DataError(fmt::format("{}: {} = {}: expected {}", file_, field, shown, expectation));
}

bool Config::falls_back(std::string const& field, Null null) const {
  auto const value = fields_.find(field);
  if (value != fields_.end() && value->is_null() && null == Null::refused)
    fail(field, "a value, or no such field for the default: null is something else to transformers");
  return !find(field);
}

std::vector<std::string> Config::keys() const {
  std::vector<std::string> out;
  for (auto const& [key, value] : fields_.items()) out.push_back(key);
  return out;
}

bool Config::holds(std::string const& field) const {
  return fields_.contains(field);
}

bool Config::has(std::string const& field) const {
  return find(field) != nullptr;
}

std::int64_t Config::integer(std::string const& field, std::int64_t low, std::optional<std::int64_t> fallback,
                             Null null) const {
  auto const expectation = fmt::format("an integer of at least {}", low);
  auto const* value = find(field);
  bool const given = !fallback || !falls_back(field, null);
  if (given && (!value || !value->is_number_integer())) fail(field, expectation);
  constexpr std::int64_t limit = std::int64_t{1} << 31;
  if (given && value->is_number_unsigned() &&
      value->get<std::uint64_t>() >= static_cast<std::uint64_t>(limit))
    fail(field, "an integer below 2^31");
  auto const number = given ? value->get<std::int64_t>() : *fallback;
  if (number < low || number >= limit) fail(field, expectation);
  return number;
}

std::int64_t Config::layers() const {
  auto const count = integer("num_hidden_layers", 1);
  if (count > 4096) fail("num_hidden_layers", "at most 4096");
  return count;
}

double Config::number(std::string const& field, std::optional<double> fallback, Null null) const {
  if (fallback && falls_back(field, null)) return *fallback;
  auto const* value = find(field);
  if (!value || !value->is_number() || !std::isfinite(value->get<double>())) fail(field, "a finite number");
  return value->get<double>();
}

std::optional<double> Config::optional_number(std::string const& field) const {
  return has(field) ? std::optional(number(field)) : std::nullopt;
}

bool Config::boolean(std::string const& field, bool fallback) const {
  if (falls_back(field, Null::refused)) return fallback;
  auto const* value = find(field);
  if (!value->is_boolean()) fail(field, "true or false");
  return value->get<bool>();
}

std::string Config::text(std::string const& field, std::string const& fallback, Null null) const {
  if (falls_back(field, null)) return fallback;
  auto const* value = find(field);
  if (!value->is_string()) fail(field, "a string");
  return value->get<std::string>();
}

std::vector<std::int64_t> Config::integers(std::string const& field) const {
  auto const* value = find(field);
  if (!value) return {};
  if (!value->is_array()) fail(field, "a list of integers");
  std::vector<std::int64_t> out;
  for (auto const& item : *value) {
    if (!item.is_number_integer()) fail(field, "a list of integers");
    out.push_back(item.get<std::int64_t>());
  }
  return out;
}

std::vector<double> Config::numbers(std::string const& field) const {
  auto const* value = find(field);
  if (!value || !value->is_array()) fail(field, "a list of numbers");
  std::vector<double> out;
  for (auto const& item : *value) {
    if (!item.is_number() || !std::isfinite(item.get<double>())) fail(field, "a list of finite numbers");
    out.push_back(item.get<double>());
  }
  return out;
}

std::vector<std::string> Config::texts(std::string const& field) const {
  auto const* value = find(field);
  if (!value) return {};
  if (!value->is_array()) fail(field, "a list of strings");
  std::vector<std::string> out;
  for (auto const& item : *value) {
    if (!item.is_string()) fail(field, "a list of strings");
    out.push_back(item.get<std::string>());
  }
  return out;
}

std::optional<Config> Config::object(std::string const& field) const {
  auto const* value = find(field);
  if (value && !value->is_object()) fail(field, "an object");
  if (!value || value->empty()) return std::nullopt;
  return Config(file_ + ": " + field, *value);
}

void Config::only(std::string const& field, std::string const& fallback, std::string const& allowed) const {
  if (text(field, fallback, Null::as_absent) != allowed)
    fail(field, fmt::format("\"{}\": nothing else is known of this family", allowed));
}

}  // namespace moerae
