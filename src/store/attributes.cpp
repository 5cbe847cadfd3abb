#include <algorithm>
#include <cstring>

#include "store/hdf5.hpp"

namespace moerae::store {

using hdf5::check;
using hdf5::Handle;

namespace {

struct Found {
  Handle attribute, type;
  std::size_t count = 0;
};

Handle open_object(File const& file, std::string const& object) {
  Handle opened(H5Oopen(file.raw(), object.c_str(), H5P_DEFAULT), H5Oclose);
  check<DataError>(static_cast<hid_t>(opened), "{}: no object {}", file.path().string(), object);
  return opened;
}

void write_attribute(File const& file, std::string const& object, std::string const& name, hid_t type,
                     hid_t memory_type, hsize_t const* extent, void const* value) {
  auto const owner = open_object(file, object);
  auto const require = [&](hid_t status) {
    check<Error>(status, "{}, attribute {} of {}: cannot be written", file.path().string(), name, object);
  };
  auto const present = H5Aexists(owner, name.c_str());
  require(present);
  if (present > 0) require(H5Adelete(owner, name.c_str()));
  Handle const space(extent != nullptr ? H5Screate_simple(1, extent, nullptr) : H5Screate(H5S_SCALAR),
                     H5Sclose);
  require(space);
  Handle attribute(H5Acreate2(owner, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  require(attribute);
  if (extent == nullptr || *extent > 0) require(H5Awrite(attribute, memory_type, value));
  require(attribute.close());
}

Found find_attribute(File const& file, std::string const& object, std::string const& name, bool list) {
  auto const owner = open_object(file, object);
  validate<DataError>(H5Aexists(owner, name.c_str()) > 0,
                      "{}: {} has no attribute {}; the file is incomplete or of another kind",
                      file.path().string(), object, name);
  auto const require = [&](hid_t status) {
    check<DataError>(status, "{}, attribute {} of {}: cannot be read", file.path().string(), name, object);
  };
  Found found;
  found.attribute = Handle(H5Aopen(owner, name.c_str(), H5P_DEFAULT), H5Aclose);
  require(found.attribute);
  found.type = Handle(H5Aget_type(found.attribute), H5Tclose);
  require(found.type);
  Handle const space(H5Aget_space(found.attribute), H5Sclose);
  require(space);
  auto const count = H5Sget_simple_extent_npoints(space);
  require(count);
  found.count = H5Sget_simple_extent_type(space) == H5S_NULL ? 0 : static_cast<std::size_t>(count);
  validate<DataError>(list || found.count == 1, "{}, attribute {} of {}: {} values, expected one",
                      file.path().string(), name, object, found.count);
  return found;
}

void require_class(File const& file, std::string const& object, std::string const& name, hid_t type,
                   H5T_class_t wanted, char const* what) {
  validate<DataError>(H5Tget_class(type) == wanted, "{}, attribute {} of {}: expected {}",
                      file.path().string(), name, object, what);
}

std::vector<std::string> read_text(File const& file, std::string const& object, std::string const& name,
                                   Found const& found) {
  require_class(file, object, name, found.type, H5T_STRING, "a string");
  std::vector<std::string> values(found.count);
  if (found.count == 0) return values;
  auto const failed = [&](herr_t status) {
    check<DataError>(status, "{}, attribute {} of {}: cannot be read", file.path().string(), name, object);
  };
  if (H5Tis_variable_str(found.type) > 0) {
    std::vector<char*> raw(found.count, nullptr);
    auto const status = H5Aread(found.attribute, found.type, raw.data());
    for (std::size_t i = 0; i < found.count; ++i) {
      if (raw[i] != nullptr) values[i] = raw[i];
      H5free_memory(raw[i]);
    }
    failed(status);
    return values;
  }
  auto const size = H5Tget_size(found.type);
  std::string raw(found.count * size, '\0');
  failed(H5Aread(found.attribute, found.type, raw.data()));
  bool const spaces = H5Tget_strpad(found.type) == H5T_STR_SPACEPAD;
  for (std::size_t i = 0; i < found.count; ++i) {
    auto const* const first = raw.data() + i * size;
    values[i].assign(first, strnlen(first, size));
    if (spaces) values[i].erase(values[i].find_last_not_of(' ') + 1);
  }
  return values;
}

}  // namespace

void File::set_attribute(std::string const& object, std::string const& name, std::string const& value) {
  auto const type = hdf5::text_type();
  auto const* const raw = value.c_str();
  write_attribute(*this, object, name, type, type, nullptr, &raw);
}

void File::set_attribute(std::string const& object, std::string const& name, std::int64_t value) {
  write_attribute(*this, object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, nullptr, &value);
}

void File::set_attribute(std::string const& object, std::string const& name, double value) {
  write_attribute(*this, object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, nullptr, &value);
}

void File::set_attribute(std::string const& object, std::string const& name,
                         std::vector<std::string> const& value) {
  auto const type = hdf5::text_type();
  std::vector<char const*> raw(value.size());
  std::transform(value.begin(), value.end(), raw.begin(),
                 [](std::string const& text) { return text.c_str(); });
  hsize_t const extent = raw.size();
  write_attribute(*this, object, name, type, type, &extent, raw.data());
}

bool File::has_attribute(std::string const& object, std::string const& name) const {
  return H5Aexists(open_object(*this, object), name.c_str()) > 0;
}

std::string File::string_attribute(std::string const& object, std::string const& name) const {
  return read_text(*this, object, name, find_attribute(*this, object, name, false)).front();
}

std::vector<std::string> File::strings_attribute(std::string const& object, std::string const& name) const {
  return read_text(*this, object, name, find_attribute(*this, object, name, true));
}

std::int64_t File::int_attribute(std::string const& object, std::string const& name) const {
  auto const found = find_attribute(*this, object, name, false);
  require_class(*this, object, name, found.type, H5T_INTEGER, "an integer");
  bool const wide =
      H5Tget_sign(found.type) == H5T_SGN_NONE && H5Tget_size(found.type) == sizeof(std::uint64_t);
  std::int64_t value = 0;
  check<DataError>(H5Aread(found.attribute, wide ? H5T_NATIVE_UINT64 : H5T_NATIVE_INT64, &value),
                   "{}, attribute {} of {}: cannot be read", path_.string(), name, object);
  validate<DataError>(!wide || value >= 0, "{}, attribute {} of {}: does not fit 63 bits", path_.string(),
                      name, object);
  return value;
}

double File::double_attribute(std::string const& object, std::string const& name) const {
  auto const found = find_attribute(*this, object, name, false);
  require_class(*this, object, name, found.type, H5T_FLOAT, "a float");
  double value = 0;
  check<DataError>(H5Aread(found.attribute, H5T_NATIVE_DOUBLE, &value),
                   "{}, attribute {} of {}: cannot be read", path_.string(), name, object);
  return value;
}

}  // namespace moerae::store
