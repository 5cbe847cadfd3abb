#pragma once

#include <hdf5.h>

#include <string>
#include <utility>

#include "moerae/base/check.hpp"
#include "moerae/store/file.hpp"

// Inside this module only: owned HDF5 ids, checked calls, types.
namespace moerae::store::hdf5 {

/// Once per program, before the first call: HDF5 prints nothing and is not cleaned up at exit (every id is
/// owned here; after a failed flush that clean-up tries again and can crash).
void start();

/// Why HDF5 failed, in one line: what the system said where it did, else the outermost and the innermost
/// entry of the error stack, which is cleared.
[[nodiscard]] std::string error_text();

/// An owned id.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle() = default;
  Handle(hid_t id, Close closing) : id_(id), close_(closing) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }
  /// Closes now and says whether that worked.
  [[nodiscard]] herr_t close() { return close_(std::exchange(id_, -1)); }

 private:
  hid_t id_ = -1;
  Close close_ = nullptr;
};

/// Throws E with the context and HDF5's own words when `status` is negative; else returns it.
template <class E, class Status, class... Args>
Status check(Status status, fmt::format_string<Args...> context, Args&&... args) {
  if (status < 0) {
    auto const cause = error_text();
    throw E(fmt::format("{}: {}", fmt::format(context, std::forward<Args>(args)...), cause));
  }
  return status;
}

/// The little-endian type of T in the file, and the native one in memory.
template <class T>
[[nodiscard]] hid_t file_type();
template <class T>
[[nodiscard]] hid_t memory_type();
[[nodiscard]] hid_t half_type();  ///< IEEE binary16, little endian

/// Variable-length UTF-8.
[[nodiscard]] Handle text_type();

/// numpy's name of a type, "str" for strings, empty for what has none here (compound, opaque, ...).
[[nodiscard]] std::string numpy_name(hid_t type);

/// The dataset or an error that names file and dataset.
[[nodiscard]] Handle open_dataset(File const& file, std::string const& name);
[[nodiscard]] std::vector<hsize_t> extents(File const& file, std::string const& name, hid_t space);

/// Reads the strings that `selection` (H5S_ALL: all) picks from a dataset.
[[nodiscard]] std::vector<std::string> read_text(File const& file, std::string const& name, hid_t dataset,
                                                 hid_t memory, hid_t selection, std::size_t count);

}  // namespace moerae::store::hdf5
