#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "model/safetensors_header.hpp"
#include "model/strict_json.hpp"
#include "moerae/base/check.hpp"
#include "moerae/model/safetensors.hpp"

namespace moerae {
namespace {

std::size_t checked_bytes(HeaderEntry const& entry, std::string const& where) {
  std::size_t total = safetensors_size(entry.dtype);
  validate<DataError>(total > 0, "{}: dtype \"{}\" is not one that safetensors defines", where,
                      brief(entry.dtype));
  for (auto const extent : entry.shape)
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

void check_safetensors_layout(std::string_view header, std::string const& file, std::uint64_t available) {
  struct Extent {
    std::uint64_t begin, end;
    bool operator<(Extent const& other) const {
      return std::pair(begin, end) < std::pair(other.begin, other.end);
    }
  };
  std::deque<Extent> extents;  // 24 bytes per tensor, less than half of the shortest entry
  std::deque<std::uint64_t> names;
  auto const hash = [](std::string const& name) { return XXH3_64bits(name.data(), name.size()); };
  read_safetensors_header(header, file, [&](HeaderEntry&& entry) {
    auto const where = fmt::format("{}: tensor {}", file, brief(entry.name));
    validate<DataError>(entry.begin <= entry.end && entry.end <= available,
                        "{}: data_offsets [{}, {}] lie outside the {} bytes of data; the file is "
                        "truncated or damaged",
                        where, entry.begin, entry.end, available);
    auto const expected = checked_bytes(entry, where);
    validate<DataError>(entry.end - entry.begin == expected,
                        "{}: {} bytes of data, but dtype and shape ask for {}", where,
                        entry.end - entry.begin, expected);
    extents.push_back({entry.begin, entry.end});
    names.push_back(hash(entry.name));
  });
  // who it is that a check of all found: one more pass, only on the way to an error
  auto const name_where = [&](auto const& wanted) {
    std::string name;
    read_safetensors_header(header, file, [&](HeaderEntry&& entry) {
      if (wanted(entry)) name = brief(entry.name);
    });
    return name;
  };
  std::ranges::sort(names);
  if (auto const twice = std::ranges::adjacent_find(names); twice != names.end())
    throw DataError(fmt::format("{}: tensor {} occurs twice; which one holds is not defined", file,
                                name_where([&](HeaderEntry const& e) { return hash(e.name) == *twice; })));
  std::ranges::sort(extents, std::less<>());
  std::uint64_t reached = 0;
  for (auto const& extent : extents) {
    if (extent.begin != reached) {
      auto const name =
          name_where([&](HeaderEntry const& e) { return e.begin == extent.begin && e.end == extent.end; });
      validate<DataError>(extent.begin >= reached, "{}: tensor {} overlaps the one before it", file, name);
      throw DataError(
          fmt::format("{}: a hole of {} bytes before tensor {}", file, extent.begin - reached, name));
    }
    reached = extent.end;
  }
  validate<DataError>(reached == available, "{}: the tensors cover {} of {} bytes of data", file, reached,
                      available);
}

}  // namespace moerae
