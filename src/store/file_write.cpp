#include <hdf5_hl.h>

#include <algorithm>

#include "store/hdf5.hpp"

namespace moerae::store {

using hdf5::check;
using hdf5::Handle;

namespace {

Handle creation_list(File const& file, std::string const& name, std::vector<hsize_t> const& shape,
                     Layout const& layout) {
  Handle list(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  auto const require = [&](herr_t status) {
    check<Error>(status, "{}, dataset {}: layout refused", file.path().string(), name);
  };
  require(H5Pset_obj_track_times(list, false));
  bool const empty = std::find(shape.begin(), shape.end(), hsize_t{0}) != shape.end();
  if (layout.chunk.empty() || empty || shape.empty()) return list;  // an empty dataset has nothing to chunk
  expect(layout.chunk.size() == shape.size(), "{}, dataset {}: chunk of {} axes for {} axes",
         file.path().string(), name, layout.chunk.size(), shape.size());
  std::vector<hsize_t> chunk(shape.size());
  std::transform(shape.begin(), shape.end(), layout.chunk.begin(), chunk.begin(),
                 [](hsize_t extent, std::uint64_t wanted) { return std::clamp<hsize_t>(wanted, 1, extent); });
  require(H5Pset_chunk(list, static_cast<int>(chunk.size()), chunk.data()));
  if (layout.shuffle) require(H5Pset_shuffle(list));
  if (layout.deflate > 0) require(H5Pset_deflate(list, static_cast<unsigned>(layout.deflate)));
  return list;
}

Handle create_dataset(File const& file, std::string const& name, hid_t type,
                      std::vector<hsize_t> const& shape, Layout const& layout) {
  Handle const space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), H5Sclose);
  check<Error>(static_cast<hid_t>(space), "{}, dataset {}: extent refused", file.path().string(), name);
  auto const list = creation_list(file, name, shape, layout);
  Handle const link(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  check<Error>(H5Pset_create_intermediate_group(link, 1), "{}, dataset {}", file.path().string(), name);
  check<Error>(H5Pset_char_encoding(link, H5T_CSET_UTF8), "{}, dataset {}", file.path().string(), name);
  Handle dataset(H5Dcreate2(file.raw(), name.c_str(), type, space, link, list, H5P_DEFAULT), H5Dclose);
  check<Error>(static_cast<hid_t>(dataset), "{}, dataset {}: cannot be created", file.path().string(), name);
  return dataset;
}

void write_values(File const& file, std::string const& name, hid_t memory_type, Handle dataset,
                  void const* values) {
  check<Error>(H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values),
               "{}, dataset {}: cannot be written (disk full?)", file.path().string(), name);
  check<Error>(dataset.close(), "{}, dataset {}: cannot be written (disk full?)", file.path().string(), name);
}

}  // namespace

template <class T>
void File::write(std::string const& name, std::span<T const> values, std::vector<std::uint64_t> const& shape,
                 Layout const& layout) {
  std::uint64_t count = 1;
  for (auto const extent : shape) count *= extent;
  expect(count == values.size(), "{}, dataset {}: {} values for a shape of {}", path_.string(), name,
         values.size(), count);
  auto dataset = create_dataset(*this, name, hdf5::file_type<T>(), {shape.begin(), shape.end()}, layout);
  if (!values.empty()) write_values(*this, name, hdf5::memory_type<T>(), std::move(dataset), values.data());
}

void File::write_strings(std::string const& name, std::vector<std::string> const& values) {
  auto const type = hdf5::text_type();
  auto dataset = create_dataset(*this, name, type, {values.size()}, {});
  if (values.empty()) return;
  std::vector<char const*> raw(values.size());
  std::transform(values.begin(), values.end(), raw.begin(),
                 [](std::string const& text) { return text.c_str(); });
  write_values(*this, name, type, std::move(dataset), raw.data());
}

void File::attach_scale(std::string const& dataset, unsigned axis, std::string const& scale,
                        std::string const& label) {
  auto const target = hdf5::open_dataset(*this, dataset);
  auto const source = hdf5::open_dataset(*this, scale);
  auto const extents = shape(dataset);
  auto const wanted = shape(scale);
  expect(axis < extents.size() && wanted.size() == 1 && wanted[0] == extents[axis],
         "{}: scale {} does not fit axis {} of {}", path_.string(), scale, axis, dataset);
  auto const require = [&](herr_t status) {
    check<Error>(status, "{}: scale {} cannot be attached to axis {} of {}", path_.string(), scale, axis,
                 dataset);
  };
  if (H5DSis_scale(source) <= 0) require(H5DSset_scale(source, scale.c_str()));
  require(H5DSattach_scale(target, source, axis));
  require(H5DSset_label(target, axis, label.c_str()));
}

#define MOERAE_WRITE(T)                                                                                   \
  template void File::write<T>(std::string const&, std::span<T const>, std::vector<std::uint64_t> const&, \
                               Layout const&);
MOERAE_WRITE(std::uint8_t)
MOERAE_WRITE(std::uint16_t)
MOERAE_WRITE(std::uint32_t)
MOERAE_WRITE(std::uint64_t)
MOERAE_WRITE(std::int32_t)
MOERAE_WRITE(std::int64_t)
MOERAE_WRITE(float)
MOERAE_WRITE(double)
MOERAE_WRITE(Half)
#undef MOERAE_WRITE

}  // namespace moerae::store
