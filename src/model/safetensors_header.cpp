#include "model/safetensors_header.hpp"

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "model/strict_json.hpp"
#include "moerae/base/check.hpp"

namespace moerae {
namespace {

constexpr std::size_t most_axes = 64;        // of one tensor
constexpr std::size_t most_metadata = 4096;  // entries of __metadata__
constexpr std::size_t longest_string = 1 << 20;

// Levels: the header (1), an entry or the metadata (2), shape or data_offsets (3).
class Sax : public nlohmann::json_sax<nlohmann::json> {
 public:
  Sax(std::string const& file, std::function<void(HeaderEntry&&)> const& found)
      : file_(file), found_(found) {}

  bool start_object(std::size_t) override {
    if (level_ == 1) fields_.clear();
    if (level_ >= 2) refuse("an object");
    ++level_;
    return true;
  }
  bool key(std::string& text) override {
    if (level_ == 1) {
      entry_ = {};
      entry_.name = text;
      validate<DataError>(!is_metadata() || !std::exchange(has_metadata_, true),
                          "{}: __metadata__ occurs twice", file_);
    } else {
      if (!fields_.insert(text).second)
        throw DataError(
            fmt::format("{}: {} occurs twice; which one holds is not defined", where(), brief(text)));
      if (is_metadata()) {
        validate<DataError>(fields_.size() <= most_metadata, "{}: more than {} entries", where(),
                            most_metadata);
      } else {
        validate<DataError>(text == "dtype" || text == "shape" || text == "data_offsets",
                            "{}: unknown field \"{}\"; expected dtype, shape and two data_offsets", where(),
                            brief(text));
      }
    }
    field_ = text;
    return true;
  }
  bool end_object() override {
    if (--level_ != 1 || is_metadata()) return true;
    validate<DataError>(fields_.size() == 3 && offsets_ == 2,
                        "{}: expected dtype, shape and two data_offsets", where());
    found_(std::move(entry_));
    offsets_ = 0;
    return true;
  }
  bool start_array(std::size_t) override {
    if (level_ != 2 || is_metadata() || field_ == "dtype") refuse("a list");
    ++level_;
    return true;
  }
  bool end_array() override {
    --level_;
    return true;
  }
  bool string(std::string& text) override {
    if (level_ != 2 || (!is_metadata() && field_ != "dtype")) refuse('"' + brief(text) + '"');
    if (!is_metadata()) entry_.dtype = text;
    return true;
  }
  bool number_unsigned(std::uint64_t value) override {
    if (level_ != 3) refuse(std::to_string(value));
    if (field_ == "shape") {
      validate<DataError>(value <= INT64_MAX, "{}: shape: {} is too large", where(), value);
      validate<DataError>(entry_.shape.size() < most_axes, "{}: shape: more than {} axes", where(),
                          most_axes);
      entry_.shape.push_back(static_cast<std::int64_t>(value));
    } else {
      validate<DataError>(offsets_ < 2, "{}: expected dtype, shape and two data_offsets", where());
      (offsets_++ == 0 ? entry_.begin : entry_.end) = value;
    }
    return true;
  }
  bool number_integer(std::int64_t value) override { refuse(std::to_string(value)); }
  bool number_float(double, std::string const& text) override { refuse(brief(text)); }
  bool boolean(bool value) override { refuse(value ? "true" : "false"); }
  bool null() override { refuse("null"); }
  bool binary(nlohmann::json::binary_t&) override { refuse("binary data"); }
  bool parse_error(std::size_t, std::string const&, nlohmann::json::exception const& error) override {
    throw DataError(fmt::format("{} (header): not valid JSON ({})", file_, brief(error.what())));
  }

 private:
  [[nodiscard]] bool is_metadata() const { return entry_.name == "__metadata__"; }
  [[nodiscard]] std::string where() const {
    return is_metadata() ? file_ + ": __metadata__" : fmt::format("{}: tensor {}", file_, brief(entry_.name));
  }
  [[noreturn]] void refuse(std::string const& value) const {
    if (level_ == 0)
      throw DataError(fmt::format("{} (header): expected a JSON object, found {}", file_, value));
    auto const* expected = level_ == 1         ? "an object with dtype, shape and two data_offsets"
                           : is_metadata()     ? "a string"
                           : level_ == 3       ? "a non-negative integer"
                           : field_ == "dtype" ? "a string"
                                               : "a list of non-negative integers";
    throw DataError(fmt::format("{}: {}: expected {}, found {}", where(),
                                level_ == 1 ? "entry" : brief(field_), expected, value));
  }

  std::string const& file_;
  std::function<void(HeaderEntry&&)> const& found_;
  int level_ = 0, offsets_ = 0;
  bool has_metadata_ = false;
  HeaderEntry entry_;
  std::string field_;
  std::set<std::string> fields_;
};

}  // namespace

void read_safetensors_header(std::string_view header, std::string const& file,
                             std::function<void(HeaderEntry&&)> const& found) {
  validate<DataError>(header.starts_with('{'), "{} (header): expected a JSON object from the first byte on",
                      file);
  check_token_lengths(header, file + " (header)", longest_string);
  Sax sax(file, found);
  nlohmann::json::sax_parse(header, &sax);
}

}  // namespace moerae
