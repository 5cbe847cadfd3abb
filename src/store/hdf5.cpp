#include "store/hdf5.hpp"

#include <fmt/format.h>

#include <mutex>
#include <string_view>
#include <vector>

namespace moerae::store::hdf5 {
namespace {

constexpr std::string_view system_message = "error message = '";

}  // namespace

void start() {
  static std::once_flag once;
  std::call_once(once, [] {
    H5dont_atexit();  // must be HDF5's first call; it only fails when called twice
    check<Error>(H5open(), "HDF5 cannot start");
    check<Error>(H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr), "HDF5 cannot be silenced");
  });
}

std::string error_text() {
  std::vector<std::string> reasons;  // from the function that was called to the innermost
  auto const add = [](unsigned, H5E_error2_t const* error, void* out) noexcept -> herr_t {
    if (error->desc == nullptr || *error->desc == '\0') return 0;
    try {
      static_cast<std::vector<std::string>*>(out)->emplace_back(error->desc);
    } catch (...) {
      return -1;
    }
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, add, &reasons);
  H5Eclear2(H5E_DEFAULT);
  for (auto const& reason : reasons)  // "..., error message = 'No space left on device', buf = ..."
    if (auto const at = reason.find(system_message); at != std::string::npos) {
      auto const from = at + system_message.size();
      return reason.substr(from, reason.find('\'', from) - from);
    }
  if (reasons.empty()) return "HDF5 gives no reason";
  return reasons.size() == 1 ? reasons.front() : reasons.front() + ": " + reasons.back();
}

hid_t half_type() {
  static hid_t const type = [] {
    auto const half = H5Tcopy(H5T_IEEE_F32LE);
    // fields first: the precision may not cut them off; then the size; bias of binary16 is 15
    bool const made = half >= 0 && H5Tset_fields(half, 15, 10, 5, 0, 10) >= 0 &&
                      H5Tset_precision(half, 16) >= 0 && H5Tset_size(half, 2) >= 0 &&
                      H5Tset_ebias(half, 15) >= 0 && H5Tlock(half) >= 0;
    validate<Error>(made, "HDF5 cannot make the float16 type: {}", made ? "" : error_text());
    return half;
  }();
  return type;
}

Handle text_type() {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  check<Error>(static_cast<hid_t>(type), "HDF5 string type");
  check<Error>(H5Tset_size(type, H5T_VARIABLE), "HDF5 string type");
  check<Error>(H5Tset_cset(type, H5T_CSET_UTF8), "HDF5 string type");
  return type;
}

std::string numpy_name(hid_t type) {
  auto const size = H5Tget_size(type);
  auto const name = [&](char kind) { return fmt::format("{}{}{}", size == 1 ? '|' : '<', kind, size); };
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return name(H5Tget_sign(type) == H5T_SGN_NONE ? 'u' : 'i');
    case H5T_FLOAT:
      return name('f');
    case H5T_STRING:
      return "str";
    default:
      return "";
  }
}

#define MOERAE_TYPE(T, FILE_TYPE, MEMORY_TYPE) \
  template <>                                  \
  hid_t file_type<T>() {                       \
    return FILE_TYPE;                          \
  }                                            \
  template <>                                  \
  hid_t memory_type<T>() {                     \
    return MEMORY_TYPE;                        \
  }
MOERAE_TYPE(std::uint8_t, H5T_STD_U8LE, H5T_NATIVE_UINT8)
MOERAE_TYPE(std::uint16_t, H5T_STD_U16LE, H5T_NATIVE_UINT16)
MOERAE_TYPE(std::uint32_t, H5T_STD_U32LE, H5T_NATIVE_UINT32)
MOERAE_TYPE(std::uint64_t, H5T_STD_U64LE, H5T_NATIVE_UINT64)
MOERAE_TYPE(std::int32_t, H5T_STD_I32LE, H5T_NATIVE_INT32)
MOERAE_TYPE(std::int64_t, H5T_STD_I64LE, H5T_NATIVE_INT64)
MOERAE_TYPE(float, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT)
MOERAE_TYPE(double, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE)
MOERAE_TYPE(Half, half_type(), half_type())
#undef MOERAE_TYPE

}  // namespace moerae::store::hdf5
