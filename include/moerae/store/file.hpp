#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace moerae::store {

/// IEEE binary16 by its bits; in the file a little-endian half, numpy's float16.
struct Half {
  std::uint16_t bits = 0;
  friend bool operator==(Half, Half) = default;
};

/// How a dataset lies in the file. Without a chunk shape it is contiguous, and neither filter applies.
struct Layout {
  std::vector<std::uint64_t> chunk = {};  ///< one extent per axis, clipped to the dataset
  int deflate = 0;                        ///< 0 (off) to 9
  bool shuffle = false;
};

/// One HDF5 file, owned; serial use. Object times are off and library bounds are the default ones, so that
/// equal content makes equal bytes and old readers work. Names are full paths, a leading slash is optional;
/// groups are created as needed. Objects are "/" or datasets.
///
/// T is one of uint8, uint16, uint32, uint64, int32, int64, float, double and Half. Everything that writes
/// throws Error (disk full, name taken); everything that reads throws DataError naming the file, the object
/// and what was expected; both carry the text of HDF5's error stack. Nothing here is collective.
class File {
 public:
  /// A new file; an existing one is an Error.
  [[nodiscard]] static File create(std::filesystem::path const& path);
  /// Read-only. DataError when missing or not HDF5.
  [[nodiscard]] static File open(std::filesystem::path const& path);
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();  ///< closes unchecked: a writer calls close()

  [[nodiscard]] std::filesystem::path const& path() const { return path_; }
  /// Throws Error when what was written could not be flushed. The file is closed afterwards in any case.
  void close();

  /// `values` in C order, as many as `shape` says.
  template <class T>
  void write(std::string const& name, std::span<T const> values, std::vector<std::uint64_t> const& shape,
             Layout const& layout = {});
  template <class T>
  void write(std::string const& name, std::vector<T> const& values, std::vector<std::uint64_t> const& shape,
             Layout const& layout = {}) {
    write(name, std::span<T const>(values), shape, layout);
  }
  /// Variable-length UTF-8, one axis.
  void write_strings(std::string const& name, std::vector<std::string> const& values);

  /// All values in C order. The dataset must have T's class, sign and size (any byte order).
  template <class T>
  [[nodiscard]] std::vector<T> read(std::string const& name) const;
  /// Rows start .. start+count-1 of the first axis, all of the others.
  template <class T>
  [[nodiscard]] std::vector<T> read_rows(std::string const& name, std::uint64_t start,
                                         std::uint64_t count) const;
  /// The block that starts at `start` and has `count` entries, one of each per axis.
  template <class T>
  [[nodiscard]] std::vector<T> read_block(std::string const& name, std::vector<std::uint64_t> const& start,
                                          std::vector<std::uint64_t> const& count) const;
  /// Strings of fixed or variable length, in C order.
  [[nodiscard]] std::vector<std::string> read_strings(std::string const& name) const;

  [[nodiscard]] bool has(std::string const& name) const;  ///< a dataset or group of that name
  /// Empty for a scalar.
  [[nodiscard]] std::vector<std::uint64_t> shape(std::string const& name) const;
  /// As numpy writes it for little endian: "|u1", "<u2", "<f4", ...; "str" for strings of any kind.
  [[nodiscard]] std::string dtype(std::string const& name) const;
  /// Full paths of all datasets without the leading slash, sorted by bytes.
  [[nodiscard]] std::vector<std::string> datasets() const;

  /// Creates or replaces. Strings are variable-length UTF-8, numbers int64 and double, all scalar; a list is
  /// one axis of strings.
  void set_attribute(std::string const& object, std::string const& name, std::string const& value);
  void set_attribute(std::string const& object, std::string const& name, double value);
  void set_attribute(std::string const& object, std::string const& name,
                     std::vector<std::string> const& value);
  void set_attribute(std::string const& object, std::string const& name, std::int64_t value);
  template <std::integral T>
  requires(!std::same_as<T, std::int64_t>) void set_attribute(std::string const& object,
                                                              std::string const& name, T value) {
    set_attribute(object, name, static_cast<std::int64_t>(value));
  }

  [[nodiscard]] bool has_attribute(std::string const& object, std::string const& name) const;
  [[nodiscard]] std::string string_attribute(std::string const& object, std::string const& name) const;
  /// Any integer type that fits int64.
  [[nodiscard]] std::int64_t int_attribute(std::string const& object, std::string const& name) const;
  [[nodiscard]] double double_attribute(std::string const& object, std::string const& name) const;
  [[nodiscard]] std::vector<std::string> strings_attribute(std::string const& object,
                                                           std::string const& name) const;

  /// Makes the one-axis dataset `scale` a dimension scale (once) and attaches it to an axis of `dataset`,
  /// which is labelled `label`. The extents must agree.
  void attach_scale(std::string const& dataset, unsigned axis, std::string const& scale,
                    std::string const& label);

  [[nodiscard]] std::int64_t raw() const { return id_; }  ///< the hid_t, for this module

 private:
  File(std::filesystem::path path, std::int64_t id) : path_(std::move(path)), id_(id) {}
  std::filesystem::path path_;
  std::int64_t id_ = -1;  // hid_t; hdf5.h stays out of the headers
};

}  // namespace moerae::store
