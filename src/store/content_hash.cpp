#include "moerae/store/content_hash.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <numeric>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "store/hdf5.hpp"

namespace moerae::store {

using hdf5::check;
using hdf5::Handle;

namespace {

constexpr std::size_t portion = std::size_t{1} << 24;

class Digest {
 public:
  Digest() : state_(XXH3_createState(), XXH3_freeState) {
    ensure(state_ != nullptr && XXH3_128bits_reset(state_.get()) == XXH_OK, "xxHash has no state");
  }
  void add(void const* bytes, std::size_t count) { XXH3_128bits_update(state_.get(), bytes, count); }
  void add(std::string_view text) { add(text.data(), text.size()); }
  void add_terminated(std::string const& text) { add(text.c_str(), text.size() + 1); }
  [[nodiscard]] std::string hex() const {
    auto const hash = XXH3_128bits_digest(state_.get());
    return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
  }

 private:
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state_;
};

/// Blocks of at most `limit` elements (one row of the last cut axis at least) that cover a shape in C order:
/// the first axes are stepped through one by one, one axis is cut into slabs, the rest is whole.
class Blocks {
 public:
  Blocks(std::vector<hsize_t> shape, std::vector<hsize_t> const& chunk, std::size_t limit)
      : shape_(std::move(shape)), start(shape_.size(), 0), count(shape_) {
    std::size_t row = std::accumulate(shape_.begin(), shape_.end(), std::size_t{1}, std::multiplies<>());
    while (cut_ < shape_.size()) {
      row /= shape_[cut_];
      if (row <= limit || cut_ + 1 == shape_.size()) break;
      count[cut_++] = 1;
    }
    if (shape_.empty()) return;
    auto rows = std::clamp<hsize_t>(limit / row, 1, shape_[cut_]);
    // whole chunks, or each of them would be decoded more than once
    if (!chunk.empty() && rows > chunk[cut_]) rows -= rows % chunk[cut_];
    step_ = count[cut_] = rows;
  }
  /// Moves to the next block; false after the last.
  [[nodiscard]] bool next() {
    if (shape_.empty()) return false;
    start[cut_] += step_;
    for (auto axis = cut_; start[axis] >= shape_[axis]; --axis) {
      if (axis == 0) return false;
      start[axis] = 0;
      ++start[axis - 1];
    }
    count[cut_] = std::min(step_, shape_[cut_] - start[cut_]);
    return true;
  }

 private:
  std::vector<hsize_t> shape_;
  std::size_t cut_ = 0;
  hsize_t step_ = 1;

 public:
  std::vector<hsize_t> start, count;
};

std::vector<hsize_t> chunk_of(hid_t dataset, std::size_t axes) {
  Handle const list(H5Dget_create_plist(dataset), H5Pclose);
  if (list < 0 || H5Pget_layout(list) != H5D_CHUNKED) return {};
  std::vector<hsize_t> chunk(axes);
  return H5Pget_chunk(list, static_cast<int>(axes), chunk.data()) < 0 ? std::vector<hsize_t>() : chunk;
}

/// The type of the values in memory: that of the file, in little endian.
Handle little_endian(File const& file, std::string const& name, hid_t type) {
  Handle copy(H5Tcopy(type), H5Tclose);
  check<DataError>(static_cast<hid_t>(copy), "{}, dataset {}: no type", file.path().string(), name);
  check<DataError>(H5Tset_order(copy, H5T_ORDER_LE), "{}, dataset {}: no byte order", file.path().string(),
                   name);
  return copy;
}

void add_dataset(Digest& digest, File const& file, std::string const& name) {
  auto const where = file.path().string();
  auto const dataset = hdf5::open_dataset(file, name);
  Handle const type(H5Dget_type(dataset), H5Tclose);
  Handle const space(H5Dget_space(dataset), H5Sclose);
  check<DataError>(std::min<hid_t>(type, space), "{}, dataset {}: no type or extent", where, name);
  auto const dtype = hdf5::numpy_name(type);
  validate<DataError>(!dtype.empty(),
                      "{}, dataset {}: neither integers, floats nor strings; it cannot be hashed", where,
                      name);
  auto const shape = hdf5::extents(file, name, space);
  digest.add_terminated(name);
  digest.add_terminated(dtype);
  digest.add_terminated(fmt::format("{}", fmt::join(shape, ",")));
  if (std::find(shape.begin(), shape.end(), hsize_t{0}) != shape.end()) return;
  bool const text = dtype == "str";
  auto const size = H5Tget_size(type);
  auto const memory_type = text ? Handle() : little_endian(file, name, type);
  Blocks block(shape, chunk_of(dataset, shape.size()), portion / size);
  std::vector<char> buffer;
  do {
    auto const count =
        std::accumulate(block.count.begin(), block.count.end(), std::size_t{1}, std::multiplies<>());
    Handle const memory(shape.empty()
                            ? H5Screate(H5S_SCALAR)
                            : H5Screate_simple(static_cast<int>(shape.size()), block.count.data(), nullptr),
                        H5Sclose);
    check<DataError>(static_cast<hid_t>(memory), "{}, dataset {}", where, name);
    if (!shape.empty()) {
      check<DataError>(H5Sselect_hyperslab(space, H5S_SELECT_SET, block.start.data(), nullptr,
                                           block.count.data(), nullptr),
                       "{}, dataset {}: cannot be read in portions", where, name);
    }
    if (text) {
      for (auto const& value : hdf5::read_text(file, name, dataset, memory, space, count))
        digest.add_terminated(value);
      continue;
    }
    buffer.resize(count * size);
    check<DataError>(H5Dread(dataset, memory_type, memory, space, H5P_DEFAULT, buffer.data()),
                     "{}, dataset {}: cannot be read; the file is damaged", where, name);
    digest.add(buffer.data(), buffer.size());
  } while (block.next());
}

}  // namespace

std::string file_hash(std::filesystem::path const& path) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> const file(std::fopen(path.c_str(), "rb"), std::fclose);
  validate<DataError>(file != nullptr, "{}: cannot be opened; its hash decides whether it can be trusted",
                      path.string());
  Digest digest;
  std::vector<char> buffer(portion);
  while (auto const count = std::fread(buffer.data(), 1, buffer.size(), file.get()))
    digest.add(buffer.data(), count);
  validate<DataError>(std::ferror(file.get()) == 0, "{}: cannot be read to the end; check the disk",
                      path.string());
  return digest.hex();
}

std::string content_hash(std::filesystem::path const& path) {
  auto const file = File::open(path);
  Digest digest;
  for (auto const& name : file.datasets()) add_dataset(digest, file, name);
  return digest.hex();
}

std::string bytes_hash(std::span<std::byte const> bytes) {
  Digest digest;
  digest.add(bytes.data(), bytes.size());
  return digest.hex();
}

std::string text_hash(std::string_view text) {
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

}  // namespace moerae::store
