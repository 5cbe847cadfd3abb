#include "moerae/model/safetensors.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "model/lfs_pointer.hpp"
#include "model/safetensors_header.hpp"
#include "moerae/base/check.hpp"

namespace moerae {
namespace {

constexpr std::size_t header_limit = 100'000'000;

}  // namespace

SafetensorsFile::SafetensorsFile(std::filesystem::path const& path) : path_(path) {
  auto const name = path.string();
  // without O_NONBLOCK a FIFO would wait for a writer
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  validate<DataError>(descriptor_ >= 0, "{}: cannot be opened ({})", name, std::strerror(errno));
  try {
    map();
    read_header();
  } catch (...) {
    release();
    throw;
  }
}

void SafetensorsFile::map() {
  auto const name = path_.string();
  struct stat info {};
  bool const regular = ::fstat(descriptor_, &info) == 0 && S_ISREG(info.st_mode);
  validate<DataError>(regular, "{}: not a regular file", name);
  size_ = static_cast<std::size_t>(info.st_size);
  validate<DataError>(size_ >= 8,
                      "{}: {} bytes, shorter than the 8 bytes of a header length; the file is truncated",
                      name, size_);
  void* const mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor_, 0);
  validate<DataError>(mapped != MAP_FAILED, "{}: cannot be mapped into memory ({})", name,
                      std::strerror(errno));
  mapping_ = static_cast<std::byte const*>(mapped);
}

void SafetensorsFile::read_header() {
  auto const name = path_.string();
  refuse_lfs_pointer({reinterpret_cast<char const*>(mapping_), std::min<std::size_t>(size_, 64)}, name);
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
  auto const* const data = mapping_ + 8 + length;
  check_safetensors_layout(header_, name, size_ - 8 - length);
  read_safetensors_header(header_, name, [&](HeaderEntry&& e) {
    StoredTensor tensor{std::move(e.dtype), std::move(e.shape), {data + e.begin, e.end - e.begin}, this};
    auto const fresh = tensors_.emplace(std::move(e.name), std::move(tensor)).second;
    ensure(fresh, "{}: a tensor twice behind the check of the layout", name);
  });
}

std::size_t SafetensorsFile::offset_of(std::span<std::byte const> part) const {
  auto const offset = part.data() - mapping_;
  expect(offset >= 0 && static_cast<std::size_t>(offset) + part.size() <= size_, "a part of {}",
         path_.string());
  return static_cast<std::size_t>(offset);
}

void SafetensorsFile::copy(std::span<std::byte const> part, std::byte* to) const {
  auto offset = static_cast<std::ptrdiff_t>(offset_of(part));
  for (auto left = part.size(); left > 0;) {
    auto const got = ::pread(descriptor_, to, left, offset);
    if (got < 0 && errno == EINTR) continue;
    validate<DataError>(got >= 0, "{}: reading at byte {} failed ({})", path_.string(), offset,
                        std::strerror(errno));
    validate<DataError>(got > 0, "{}: ends at byte {}, was longer when it was opened; something wrote to it",
                        path_.string(), offset);
    offset += got;
    to += got;
    left -= static_cast<std::size_t>(got);
  }
}

void SafetensorsFile::release() {
  if (mapping_) ::munmap(const_cast<std::byte*>(mapping_), size_);
  ::close(descriptor_);
}

SafetensorsFile::~SafetensorsFile() {
  release();
}

}  // namespace moerae
