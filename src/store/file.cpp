#include "moerae/store/file.hpp"

#include <algorithm>
#include <bit>
#include <filesystem>

#include "store/hdf5.hpp"

namespace moerae::store {

using hdf5::check;
using hdf5::Handle;

static_assert(sizeof(hid_t) == sizeof(std::int64_t) && std::bit_cast<hid_t>(std::int64_t{-1}) == -1);
static_assert(std::endian::native == std::endian::little, "Half is passed on as it lies in the file");

namespace {

Handle file_access() {
  Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  check<Error>(static_cast<hid_t>(access), "HDF5 file access list");
  // STRONG: a failed write leaves no object that keeps the file open. No locks: files under a temporary name
  // have one writer, published ones never change, and parallel file systems often refuse to lock.
  check<Error>(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG), "HDF5 file access list");
  check<Error>(H5Pset_file_locking(access, false, true), "HDF5 file access list");
  return access;
}

}  // namespace

File File::create(std::filesystem::path const& path) {
  hdf5::start();
  Handle const creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  check<Error>(static_cast<hid_t>(creation), "HDF5 file creation list");
  check<Error>(H5Pset_obj_track_times(creation, false), "HDF5 file creation list");
  auto const id = H5Fcreate(path.c_str(), H5F_ACC_EXCL, creation, file_access());
  return {path,
          check<Error>(id, "{}: cannot be created; check that the folder exists, is writable and has space",
                       path.string())};
}

File File::open(std::filesystem::path const& path) {
  hdf5::start();
  std::error_code error;
  validate<DataError>(std::filesystem::is_regular_file(path, error),
                      "{}: no such file; check the path, or run the command that makes it", path.string());
  auto const id = H5Fopen(path.c_str(), H5F_ACC_RDONLY, file_access());
  return {path, check<DataError>(id, "{}: not a readable HDF5 file (damaged, incomplete or of another kind)",
                                 path.string())};
}

File::File(File&& other) noexcept : path_(std::move(other.path_)), id_(std::exchange(other.id_, -1)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(id_, other.id_);
  return *this;
}

File::~File() {
  if (id_ >= 0) H5Fclose(id_);
}

void File::close() {
  if (id_ < 0) return;
  auto const flushed = H5Fflush(id_, H5F_SCOPE_LOCAL);
  auto const cause = flushed < 0 ? hdf5::error_text() : std::string();
  auto const closed = H5Fclose(std::exchange(id_, -1));
  validate<Error>(flushed >= 0, "{}: could not be written to the end (disk full?): {}", path_.string(),
                  cause);
  check<Error>(closed, "{}: could not be closed, its content is not safe (disk full?)", path_.string());
}

bool File::has(std::string const& name) const {
  // every part of the path is asked for: H5Lexists fails when a group on the way is missing
  auto const full = name.starts_with('/') ? name : "/" + name;
  for (std::size_t end = 1; end != std::string::npos;) {
    end = full.find('/', end + 1);
    if (H5Lexists(id_, full.substr(0, end).c_str(), H5P_DEFAULT) <= 0) {
      H5Eclear2(H5E_DEFAULT);
      return false;
    }
  }
  return true;
}

std::vector<std::string> File::datasets() const {
  std::vector<std::string> names;
  auto const visit = [](hid_t, char const* name, H5O_info_t const* info, void* out) noexcept -> herr_t {
    if (info->type != H5O_TYPE_DATASET) return 0;
    try {
      static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    } catch (...) {
      return -1;
    }
    return 0;
  };
  check<DataError>(H5Ovisit2(id_, H5_INDEX_NAME, H5_ITER_INC, visit, &names, H5O_INFO_BASIC),
                   "{}: its objects cannot be listed; the file is damaged", path_.string());
  std::sort(names.begin(), names.end());  // char_traits compares as unsigned bytes
  return names;
}

}  // namespace moerae::store
