#include "model/strict_json.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <vector>

#include "model/lfs_pointer.hpp"
#include "moerae/base/check.hpp"

namespace moerae {
namespace {

constexpr std::array<std::string_view, 3> not_finite{"NaN", "Infinity", "-Infinity"};

}  // namespace

std::string brief(std::string const& text) {
  return text.size() > 200 ? text.substr(0, 200) + "..." : text;
}

void check_token_lengths(std::string_view text, std::string const& source, std::size_t limit) {
  std::size_t start = 0;  // of the token at hand
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool const ends =
        quoted ? text[i] == '"' : std::string_view("\",:{}[]").find(text[i]) != std::string_view::npos;
    validate<DataError>(
        i - start <= limit,
        "{}: a string, number or blank of more than {} bytes; the file is not what it claims to be", source,
        limit);
    if (quoted && text[i] == '\\') ++i;
    if (!ends) continue;
    if (text[i] == '"') quoted = !quoted;
    start = i + 1;
  }
}

nlohmann::json parse_strict_json(std::string_view text, std::string const& source, int depth) {
  using Event = nlohmann::json::parse_event_t;
  check_token_lengths(text, source, 1 << 20);
  std::vector<std::set<std::string>> keys;
  auto const watch = [&](int level, Event event, nlohmann::json& value) {
    validate<DataError>(level <= depth,
                        "{}: JSON nested deeper than {} levels; the file is not what it claims to be", source,
                        depth);
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key)
      validate<DataError>(keys.back().insert(value.get<std::string>()).second,
                          "{}: key \"{}\" occurs twice in one object; which one holds is not defined", source,
                          brief(value.get<std::string>()));
    return true;
  };
  nlohmann::json out;
  try {
    out = nlohmann::json::parse(text, watch);
  } catch (nlohmann::json::exception const& error) {
    throw DataError(fmt::format("{}: not valid JSON ({})", source, brief(error.what())));
  }
  validate<DataError>(out.is_object(), "{}: expected a JSON object at the top", source);
  return out;
}

nlohmann::json parse_python_json(std::string_view text, std::string const& source) {
  std::string out;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const rest = text.substr(i);
    auto const* const number =
        quoted ? nullptr
               : std::ranges::find_if(not_finite, [&](auto word) { return rest.starts_with(word); });
    if (number != nullptr && number != not_finite.end()) {
      out += fmt::format("\"{}\"", *number);
      i += number->size() - 1;
      continue;
    }
    if (text[i] == '"') quoted = !quoted;
    out += text[i];
    if (quoted && text[i] == '\\' && i + 1 < text.size()) out += text[++i];
  }
  return parse_strict_json(out, source);
}

std::string read_small_file(std::filesystem::path const& path, std::size_t limit) {
  std::error_code failed, ignored;
  auto const folder = path.parent_path();
  validate<DataError>(!std::filesystem::is_directory(folder / "snapshots", ignored),
                      "{}: the cache of a model from a hub, not a checkpoint; give the folder in its "
                      "snapshots/ that holds config.json",
                      folder.string());
  auto const size = std::filesystem::file_size(path, failed);
  validate<DataError>(!failed, "{}: {}; a checkpoint folder in Hugging Face format is expected",
                      path.string(), failed.message());
  validate<DataError>(size <= limit, "{}: {} bytes, more than the {} such a file may have", path.string(),
                      size, limit);
  std::ifstream file(path, std::ios::binary);
  std::string text(size, '\0');
  file.read(text.data(), static_cast<std::streamsize>(size));
  validate<DataError>(static_cast<bool>(file), "{}: cannot be read", path.string());
  refuse_lfs_pointer(text, path.string());
  return text;
}

}  // namespace moerae
