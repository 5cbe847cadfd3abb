#include <numeric>

#include "store/hdf5.hpp"

namespace moerae::store {

using hdf5::check;
using hdf5::Handle;

namespace {

std::size_t product(std::vector<hsize_t> const& extents, std::size_t from = 0) {
  return std::accumulate(extents.begin() + static_cast<std::ptrdiff_t>(from), extents.end(), std::size_t{1},
                         [](std::size_t a, hsize_t b) { return a * static_cast<std::size_t>(b); });
}

Handle type_of(File const& file, std::string const& name, hid_t dataset) {
  Handle type(H5Dget_type(dataset), H5Tclose);
  check<DataError>(static_cast<hid_t>(type), "{}, dataset {}: no type", file.path().string(), name);
  return type;
}

Handle space_of(File const& file, std::string const& name, hid_t dataset) {
  Handle space(H5Dget_space(dataset), H5Sclose);
  check<DataError>(static_cast<hid_t>(space), "{}, dataset {}: no extent", file.path().string(), name);
  return space;
}

template <class T>
void require_type(File const& file, std::string const& name, hid_t dataset) {
  auto const found = hdf5::numpy_name(type_of(file, name, dataset));
  auto const wanted = hdf5::numpy_name(hdf5::file_type<T>());
  validate<DataError>(found == wanted,
                      "{}, dataset {}: type {}, expected {}; the file is not what this program writes",
                      file.path().string(), name, found.empty() ? "of another class" : found, wanted);
}

}  // namespace

namespace hdf5 {

Handle open_dataset(File const& file, std::string const& name) {
  validate<DataError>(file.has(name), "{}: no dataset {}; the file is incomplete or of another kind",
                      file.path().string(), name);
  Handle dataset(H5Dopen2(file.raw(), name.c_str(), H5P_DEFAULT), H5Dclose);
  check<DataError>(static_cast<hid_t>(dataset), "{}: {} cannot be opened as a dataset", file.path().string(),
                   name);
  return dataset;
}

std::vector<hsize_t> extents(File const& file, std::string const& name, hid_t space) {
  validate<DataError>(H5Sget_simple_extent_type(space) != H5S_NULL,
                      "{}, dataset {}: has no extent (null dataspace)", file.path().string(), name);
  auto const axes =
      check<DataError>(H5Sget_simple_extent_ndims(space), "{}, dataset {}", file.path().string(), name);
  std::vector<hsize_t> shape(static_cast<std::size_t>(axes));
  check<DataError>(H5Sget_simple_extent_dims(space, shape.data(), nullptr), "{}, dataset {}",
                   file.path().string(), name);
  return shape;
}

std::vector<std::string> read_text(File const& file, std::string const& name, hid_t dataset, hid_t memory,
                                   hid_t selection, std::size_t count) {
  auto const type = type_of(file, name, dataset);
  validate<DataError>(numpy_name(type) == "str", "{}, dataset {}: type {}, expected strings",
                      file.path().string(), name, numpy_name(type));
  std::vector<std::string> values(count);
  if (count == 0) return values;
  auto const set = H5Tget_cset(type);  // HDF5 does not convert between character sets
  if (H5Tis_variable_str(type) > 0) {
    auto const text = text_type();
    check<DataError>(H5Tset_cset(text, set), "{}, dataset {}", file.path().string(), name);
    std::vector<char*> raw(count, nullptr);
    auto const status = H5Dread(dataset, text, memory, selection, H5P_DEFAULT, raw.data());
    for (std::size_t i = 0; i < count; ++i) {
      if (raw[i] != nullptr) values[i] = raw[i];
      H5free_memory(raw[i]);
    }
    check<DataError>(status, "{}, dataset {}: cannot be read", file.path().string(), name);
    return values;
  }
  auto const size = H5Tget_size(type);
  Handle const text(H5Tcopy(H5T_C_S1), H5Tclose);
  check<DataError>(H5Tset_size(text, size), "{}, dataset {}", file.path().string(), name);
  check<DataError>(H5Tset_cset(text, set), "{}, dataset {}", file.path().string(), name);
  check<DataError>(H5Tset_strpad(text, H5T_STR_NULLPAD), "{}, dataset {}", file.path().string(), name);
  std::string raw(count * size, '\0');
  check<DataError>(H5Dread(dataset, text, memory, selection, H5P_DEFAULT, raw.data()),
                   "{}, dataset {}: cannot be read", file.path().string(), name);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = raw.substr(i * size, size);
    values[i].erase(values[i].find_last_not_of('\0') + 1);
  }
  return values;
}

}  // namespace hdf5

std::vector<std::uint64_t> File::shape(std::string const& name) const {
  auto const dataset = hdf5::open_dataset(*this, name);
  auto const found = hdf5::extents(*this, name, space_of(*this, name, dataset));
  return {found.begin(), found.end()};
}

std::string File::dtype(std::string const& name) const {
  auto const dataset = hdf5::open_dataset(*this, name);
  auto const found = hdf5::numpy_name(type_of(*this, name, dataset));
  validate<DataError>(!found.empty(), "{}, dataset {}: neither integers, floats nor strings", path_.string(),
                      name);
  return found;
}

template <class T>
std::vector<T> File::read(std::string const& name) const {
  auto const dataset = hdf5::open_dataset(*this, name);
  require_type<T>(*this, name, dataset);
  std::vector<T> values(product(hdf5::extents(*this, name, space_of(*this, name, dataset))));
  if (values.empty()) return values;
  check<DataError>(H5Dread(dataset, hdf5::memory_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
                   "{}, dataset {}: cannot be read", path_.string(), name);
  return values;
}

template <class T>
std::vector<T> File::read_rows(std::string const& name, std::uint64_t start, std::uint64_t count) const {
  auto block = shape(name);
  validate<DataError>(!block.empty(), "{}, dataset {}: a scalar has no rows", path_.string(), name);
  block[0] = count;
  std::vector<std::uint64_t> from(block.size(), 0);
  from[0] = start;
  return read_block<T>(name, from, block);
}

template <class T>
std::vector<T> File::read_block(std::string const& name, std::vector<std::uint64_t> const& start,
                                std::vector<std::uint64_t> const& count) const {
  auto const dataset = hdf5::open_dataset(*this, name);
  require_type<T>(*this, name, dataset);
  auto const space = space_of(*this, name, dataset);
  auto const shape = hdf5::extents(*this, name, space);
  bool inside = !shape.empty() && start.size() == shape.size() && count.size() == shape.size();
  for (std::size_t i = 0; inside && i < shape.size(); ++i)
    inside = start[i] <= shape[i] && count[i] <= shape[i] - start[i];
  validate<DataError>(inside, "{}, dataset {}: [{}] entries from [{}] were asked for, its shape is [{}]",
                      path_.string(), name, fmt::join(count, ", "), fmt::join(start, ", "),
                      fmt::join(shape, ", "));
  std::vector<hsize_t> const from(start.begin(), start.end()), block(count.begin(), count.end());
  std::vector<T> values(product(block));
  if (values.empty()) return values;
  check<DataError>(H5Sselect_hyperslab(space, H5S_SELECT_SET, from.data(), nullptr, block.data(), nullptr),
                   "{}, dataset {}: a block cannot be selected", path_.string(), name);
  Handle const memory(H5Screate_simple(static_cast<int>(block.size()), block.data(), nullptr), H5Sclose);
  check<DataError>(static_cast<hid_t>(memory), "{}, dataset {}", path_.string(), name);
  check<DataError>(H5Dread(dataset, hdf5::memory_type<T>(), memory, space, H5P_DEFAULT, values.data()),
                   "{}, dataset {}: [{}] entries from [{}] cannot be read", path_.string(), name,
                   fmt::join(count, ", "), fmt::join(start, ", "));
  return values;
}

std::vector<std::string> File::read_strings(std::string const& name) const {
  auto const dataset = hdf5::open_dataset(*this, name);
  auto const count = product(hdf5::extents(*this, name, space_of(*this, name, dataset)));
  return hdf5::read_text(*this, name, dataset, H5S_ALL, H5S_ALL, count);
}

#define MOERAE_READ(T)                                                                                     \
  template std::vector<T> File::read<T>(std::string const& name) const;                                    \
  template std::vector<T> File::read_rows<T>(std::string const& name, std::uint64_t, std::uint64_t) const; \
  template std::vector<T> File::read_block<T>(std::string const& name, std::vector<std::uint64_t> const&,  \
                                              std::vector<std::uint64_t> const&) const;
MOERAE_READ(std::uint8_t)
MOERAE_READ(std::uint16_t)
MOERAE_READ(std::uint32_t)
MOERAE_READ(std::uint64_t)
MOERAE_READ(std::int32_t)
MOERAE_READ(std::int64_t)
MOERAE_READ(float)
MOERAE_READ(double)
MOERAE_READ(Half)
#undef MOERAE_READ

}  // namespace moerae::store
