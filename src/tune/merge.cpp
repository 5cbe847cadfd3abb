#include "moerae/tune/merge.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <string_view>

#include "moerae/base/check.hpp"
#include "moerae/store/content_hash.hpp"

namespace moerae {
namespace fs = std::filesystem;
namespace {

using PartsOfFile = std::map<fs::path, std::vector<MergedPart>>;

PartsOfFile by_file(std::vector<MergedPart> const& parts) {
  PartsOfFile out;
  for (auto const& part : parts) out[part.file].push_back(part);
  for (auto& [file, of_file] : out) std::ranges::sort(of_file, {}, &MergedPart::offset);
  return out;
}

void link_or_copy(fs::path const& from, fs::path const& to) {
  std::error_code error;
  if (from.extension() == ".safetensors") {
    fs::create_hard_link(fs::canonical(from), to, error);
    if (!error) return;
  }
  fs::copy_file(from, to);
}

// What files with weights end in that nothing was merged into.
constexpr std::string_view other_weights[] = {".bin",  ".pt", ".pth",     ".ckpt",
                                              ".gguf", ".h5", ".msgpack", ".onnx"};

// Names of files that are left out.
std::vector<std::string> copy_folder(ModelSource const& model, fs::path const& from, fs::path const& to,
                                     PartsOfFile const& changed) {
  fs::create_directories(to);
  auto const own = model.checkpoint.files();
  std::vector<std::string> left_out;
  std::size_t found = 0;
  for (auto const& entry : fs::directory_iterator(from)) {
    if (!fs::is_regular_file(entry.status())) continue;  // links are followed
    auto const target = to / entry.path().filename();
    auto const kind = entry.path().extension().string();
    bool const weights = kind == ".safetensors"
                             ? std::ranges::find(own, entry.path()) == own.end()
                             : std::ranges::find(other_weights, kind) != std::end(other_weights);
    if (weights) {
      left_out.push_back(target.filename().string());
      continue;
    }
    if (!changed.contains(entry.path())) {
      link_or_copy(entry.path(), target);
      continue;
    }
    fs::copy_file(entry.path(), target);
    fs::permissions(target, fs::perms::owner_write, fs::perm_options::add);
    ++found;
  }
  ensure(found == changed.size(), "{}: {} of {} files with trained experts were found", from.string(), found,
         changed.size());
  std::ranges::sort(left_out);
  return left_out;
}

void change(ModelSource const& model, store::AdapterReader const& adapter, fs::path const& to,
            PartsOfFile const& changed) {
  std::map<fs::path, std::fstream> files;
  for (auto const& [path, parts] : changed)
    files[path].open(to / path.filename(), std::ios::in | std::ios::out | std::ios::binary);
  for_merged_parts(model, adapter, [&](MergedPart const& part, std::span<std::byte const> bytes) {
    auto& file = files.at(part.file);
    file.seekp(static_cast<std::streamoff>(part.offset));
    file.write(reinterpret_cast<char const*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  });
  for (auto& [path, file] : files) {
    file.close();
    validate<Error>(!file.fail(), "{}: cannot be written; is the disk full?",
                    (to / path.filename()).string());
  }
}

// A tensor against the one that it was made of; `parts`: those in it, by their place.
void check_tensor(std::string const& name, StoredTensor const& was, StoredTensor const& is,
                  std::span<MergedPart const> parts) {
  auto const begin = was.file->offset_of(was.bytes);
  std::size_t at = 0;
  auto const equal_until = [&](std::size_t end) {
    validate<Error>(std::memcmp(was.bytes.data() + at, is.bytes.data() + at, end - at) == 0,
                    "{}: {} differs from the original where nothing was trained; not kept",
                    is.file->path().string(), name);
  };
  for (auto const& part : parts) {
    equal_until(part.offset - begin);
    at = part.offset - begin + part.bytes;
    validate<Error>(store::bytes_hash(is.bytes.subspan(part.offset - begin, part.bytes)) == part.after,
                    "{}: {} is not what was written", is.file->path().string(), part.spelled());
  }
  equal_until(was.bytes.size());
}

// The parts of a file that lie in a tensor.
std::span<MergedPart const> parts_in(std::vector<MergedPart> const& parts, StoredTensor const& tensor) {
  auto const begin = tensor.file->offset_of(tensor.bytes), end = begin + tensor.bytes.size();
  auto const first = std::ranges::lower_bound(parts, begin, {}, &MergedPart::offset);
  return {first, std::ranges::lower_bound(first, parts.end(), end, {}, &MergedPart::offset)};
}

std::vector<TensorProof> prove(fs::path const& from, fs::path const& to, PartsOfFile const& changed) {
  std::vector<TensorProof> out;
  std::vector<fs::path> files;
  for (auto const& entry : fs::directory_iterator(to))
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path().filename());
  std::ranges::sort(files);
  for (auto const& name : files) {
    SafetensorsFile const is(to / name), was(from / name);
    auto const found = changed.find(from / name);
    validate<Error>(is.header() == was.header(), "{}: its header is not that of {}", (to / name).string(),
                    from.string());
    for (auto const& [tensor, stored] : is.tensors()) {
      TensorProof proof{name.string(), tensor, store::bytes_hash(stored.bytes), ""};
      if (found != changed.end()) {
        auto const& original = was.tensors().at(tensor);
        auto const parts = parts_in(found->second, original);
        check_tensor(tensor, original, stored, parts);
        if (!parts.empty()) proof.before = store::bytes_hash(original.bytes);
      } else {
        validate<Error>(fs::equivalent(to / name, from / name) ||
                            proof.hash == store::bytes_hash(was.tensors().at(tensor).bytes),
                        "{}: {} is not a copy of the original; not kept", (to / name).string(), tensor);
      }
      out.push_back(std::move(proof));
    }
  }
  return out;
}

}  // namespace

Merged write_merged(ModelSource const& model, store::AdapterReader const& adapter, fs::path const& from,
                    fs::path const& to) {
  check_mergeable(model.plan);
  Merged out{merged_parts(model, adapter), {}, {}};
  auto const changed = by_file(out.parts);
  out.left_out = copy_folder(model, from, to, changed);
  change(model, adapter, to, changed);
  out.tensors = prove(from, to, changed);
  return out;
}

}  // namespace moerae
