#include "moerae/model/safetensors.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "moerae/base/check.hpp"
#include "moerae/model/strict_json.hpp"

namespace moerae {
namespace {

constexpr std::size_t header_limit = 100'000'000;

struct Range {
  std::uint64_t begin, end;
  std::string const* name;
};

std::uint64_t unsigned_at(nlohmann::json const& value, std::string const& where) {
  validate<DataError>(value.is_number_unsigned(), "{}: expected a non-negative integer, found {}", where,
                      value.dump());
  return value.get<std::uint64_t>();
}

std::size_t checked_bytes(StoredTensor const& tensor, std::string const& where) {
  std::size_t total = safetensors_size(tensor.dtype);
  validate<DataError>(total > 0, "{}: dtype \"{}\" is not one that safetensors defines", where, tensor.dtype);
  for (auto const extent : tensor.shape)
    validate<DataError>(!__builtin_mul_overflow(total, static_cast<std::size_t>(extent), &total),
                        "{}: the shape has more elements than can be addressed", where);
  return total;
}

}  // namespace

std::size_t safetensors_size(std::string_view dtype) {
  static constexpr std::array<std::pair<std::string_view, std::size_t>, 15> sizes{{{"BOOL", 1},
                                                                                   {"U8", 1},
                                                                                   {"I8", 1},
                                                                                   {"F8_E5M2", 1},
                                                                                   {"F8_E4M3", 1},
                                                                                   {"F8_E8M0", 1},
                                                                                   {"I16", 2},
                                                                                   {"U16", 2},
                                                                                   {"F16", 2},
                                                                                   {"BF16", 2},
                                                                                   {"I32", 4},
                                                                                   {"U32", 4},
                                                                                   {"F32", 4},
                                                                                   {"F64", 8},
                                                                                   {"I64", 8}}};
  auto const at = std::ranges::find(sizes, dtype, [](auto const& row) { return row.first; });
  if (at != sizes.end()) return at->second;
  return dtype == "U64" ? 8 : 0;
}

SafetensorsFile::SafetensorsFile(std::filesystem::path const& path) : path_(path) {
  auto const name = path.string();
  int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  validate<DataError>(file >= 0, "{}: cannot be opened ({})", name, std::strerror(errno));
  struct stat info {};
  bool const regular = ::fstat(file, &info) == 0 && S_ISREG(info.st_mode);
  size_ = regular ? static_cast<std::size_t>(info.st_size) : 0;
  void* mapped = size_ >= 8 ? ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0) : MAP_FAILED;
  ::close(file);
  validate<DataError>(regular, "{}: not a regular file", name);
  validate<DataError>(size_ >= 8,
                      "{}: {} bytes, shorter than the 8 bytes of a header length; the file is truncated",
                      name, size_);
  validate<DataError>(mapped != MAP_FAILED, "{}: cannot be mapped into memory ({})", name,
                      std::strerror(errno));
  mapping_ = static_cast<std::byte const*>(mapped);
  try {
    std::uint64_t length = 0;
    std::memcpy(&length, mapping_, 8);
    validate<DataError>(length <= header_limit,
                        "{}: the header claims {} bytes, more than the {} allowed; the file is damaged or "
                        "no safetensors file",
                        name, length, header_limit);
    validate<DataError>(length <= size_ - 8,
                        "{}: the header claims {} bytes but the file has {}; it is truncated: fetch it again",
                        name, length, size_);
    header_ = {reinterpret_cast<char const*>(mapping_) + 8, length};
    std::size_t const data = 8 + length;
    auto const json = parse_strict_json(header_, name + " (header)", 4);
    std::vector<Range> ranges;
    for (auto const& [tensor_name, fields] : json.items()) {
      if (tensor_name == "__metadata__") continue;
      auto const where = fmt::format("{}: tensor {}", name, tensor_name);
      validate<DataError>(fields.is_object() && fields.contains("dtype") && fields["dtype"].is_string() &&
                              fields.contains("shape") && fields["shape"].is_array() &&
                              fields.contains("data_offsets") && fields["data_offsets"].is_array() &&
                              fields["data_offsets"].size() == 2,
                          "{}: expected dtype, shape and two data_offsets", where);
      StoredTensor tensor{fields["dtype"].get<std::string>(), {}, {}, &path_};
      for (auto const& extent : fields["shape"]) {
        auto const value = unsigned_at(extent, where + ": shape");
        validate<DataError>(value <= INT64_MAX, "{}: shape: {} is too large", where, value);
        tensor.shape.push_back(static_cast<std::int64_t>(value));
      }
      auto const begin = unsigned_at(fields["data_offsets"][0], where + ": data_offsets");
      auto const end = unsigned_at(fields["data_offsets"][1], where + ": data_offsets");
      validate<DataError>(begin <= end && end <= size_ - data,
                          "{}: data_offsets [{}, {}] lie outside the {} bytes of data; the file is "
                          "truncated or damaged",
                          where, begin, end, size_ - data);
      auto const expected = checked_bytes(tensor, where);
      validate<DataError>(end - begin == expected, "{}: {} bytes of data, but dtype and shape ask for {}",
                          where, end - begin, expected);
      tensor.bytes = {mapping_ + data + begin, end - begin};
      auto const at = tensors_.emplace(tensor_name, std::move(tensor)).first;
      ranges.push_back({begin, end, &at->first});
    }
    std::ranges::sort(ranges, [](Range const& a, Range const& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    std::uint64_t reached = 0;
    for (auto const& range : ranges) {
      validate<DataError>(range.begin >= reached, "{}: tensor {} overlaps the one before it", name,
                          *range.name);
      validate<DataError>(range.begin == reached, "{}: a hole of {} bytes before tensor {}", name,
                          range.begin - reached, *range.name);
      reached = range.end;
    }
    validate<DataError>(reached == size_ - data, "{}: the tensors cover {} of {} bytes of data", name,
                        reached, size_ - data);
  } catch (...) {
    ::munmap(mapped, size_);
    throw;
  }
}

SafetensorsFile::~SafetensorsFile() {
  ::munmap(const_cast<std::byte*>(mapping_), size_);
}

}  // namespace moerae
