#define XXH_INLINE_ALL
#include <fnmatch.h>
#include <xxhash.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "model/strict_json.hpp"
#include "moerae/base/check.hpp"
#include "moerae/model/safetensors.hpp"
#include "moerae/model/tensor_specs.hpp"

namespace moerae {
namespace {

constexpr char const* single_name = "model.safetensors";
constexpr char const* index_name = "model.safetensors.index.json";
constexpr std::size_t index_limit = 100'000'000;
constexpr std::size_t name_limit = 255;  // of a file, on every file system we know

// weight_map: tensor -> bare file name inside the folder, nothing that could leave it
std::map<std::string, std::string> read_weight_map(std::filesystem::path const& path) {
  auto const json = parse_strict_json(read_small_file(path, index_limit), path.string());
  auto const map = json.find("weight_map");
  validate<DataError>(map != json.end() && map->is_object() && !map->empty(),
                      "{}: weight_map: expected an object of tensor names", path.string());
  std::map<std::string, std::string> out;
  for (auto const& [tensor, file] : map->items()) {
    auto const name = file.is_string() ? file.get<std::string>() : std::string();
    bool const bare = name.find('/') == std::string::npos && name.find('\\') == std::string::npos &&
                      name.find('\0') == std::string::npos && name.ends_with(".safetensors") &&
                      !name.starts_with(".") && name.size() <= name_limit;
    validate<DataError>(
        bare,
        "{}: weight_map: {} -> {}: expected a bare file name that ends in .safetensors, of at most {} bytes",
        path.string(), brief(tensor), brief(file.dump()), name_limit);
    out.emplace(tensor, name);
  }
  return out;
}

// No exception of another kind for a loop of links, a name too long or a folder that may not be entered.
bool there(std::filesystem::path const& path) {
  std::error_code failed;
  auto const kind = std::filesystem::status(path, failed).type();
  validate<DataError>(kind != std::filesystem::file_type::none, "{}: {}", path.string(), failed.message());
  return kind != std::filesystem::file_type::not_found;
}

std::string shape_text(std::vector<std::int64_t> const& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

void check_shape(StoredTensor const& stored, std::string const& name,
                 std::vector<std::int64_t> const& expected, std::string const& family) {
  validate<DataError>(
      stored.shape == expected, "{}: tensor {}: shape {}, but config.json of this {} model asks for {}",
      stored.file->path().string(), name, shape_text(stored.shape), family, shape_text(expected));
}

// `special` where something else than a plain floating type is asked for
void check_dtype(StoredTensor const& stored, std::string const& name, std::string const& special,
                 std::string const& family) {
  bool const floating = stored.dtype == "F32" || stored.dtype == "BF16" || stored.dtype == "F16";
  validate<DataError>(special.empty() ? floating : stored.dtype == special,
                      "{}: tensor {}: dtype {}, expected {} in a {} checkpoint", stored.file->path().string(),
                      name, stored.dtype, special.empty() ? "BF16 or F16 or F32" : special, family);
}

}  // namespace

Checkpoint Checkpoint::open(std::filesystem::path const& folder) {
  Checkpoint out;
  out.folder_ = folder;
  auto const index = folder / index_name;
  // where both lie in the folder transformers reads the single file
  bool const sharded = !there(folder / single_name) && there(index);
  std::map<std::string, std::string> weight_map;
  std::set<std::string> names{single_name};
  if (sharded) {
    weight_map = read_weight_map(index);
    names.clear();
    for (auto const& [tensor, file] : weight_map) names.insert(file);
  } else {
    validate<DataError>(there(folder / single_name),
                        "{}: neither {} nor {} is there; model.path must be a checkpoint "
                        "folder in Hugging Face format with safetensors weights",
                        folder.string(), single_name, index_name);
  }
  for (auto const& name : names) {
    validate<DataError>(there(folder / name), "{}: named in {} but missing; fetch the checkpoint again",
                        (folder / name).string(), index_name);
    auto const& file = *out.files_.emplace_back(std::make_unique<SafetensorsFile>(folder / name));
    for (auto const& [tensor, stored] : file.tensors()) {
      validate<DataError>(out.tensors_.emplace(tensor, &stored).second,
                          "{}: tensor {} stands in another file too", file.path().string(), tensor);
      if (!sharded) continue;
      auto const listed = weight_map.find(tensor);
      validate<DataError>(listed != weight_map.end() && listed->second == name,
                          "{}: tensor {} is not listed for this file in {}", file.path().string(), tensor,
                          index_name);
    }
  }
  for (auto const& [tensor, file] : weight_map)
    validate<DataError>(out.tensors_.contains(tensor), "{}: tensor {} is listed in {} but not there",
                        (folder / file).string(), tensor, index_name);
  return out;
}

StoredTensor const& Checkpoint::at(std::string const& name) const {
  auto const found = tensors_.find(name);
  validate<DataError>(found != tensors_.end(), "{}: tensor {} is missing", folder_.string(), name);
  return *found->second;
}

void Checkpoint::check_against(ModelPlan const& plan) const {
  std::set<std::string> wanted;
  std::vector<std::string> missing, surplus;
  for (auto const& part : stored_parts(plan))
    if (!tensors_.contains(*wanted.insert(part.name).first)) missing.push_back(part.name);
  auto extras = plan.names.extras;
  if (plan.tied_embeddings) extras.push_back(plan.names.head + ".weight");
  auto const is_extra = [&](std::string const& name) {
    return std::ranges::any_of(extras,
                               [&](auto const& e) { return ::fnmatch(e.c_str(), name.c_str(), 0) == 0; });
  };
  for (auto const& [name, tensor] : tensors_)
    if (!wanted.contains(name) && !is_extra(name)) surplus.push_back(name);
  auto const list = [](std::vector<std::string> names) {
    auto const count = names.size();
    if (count > 5) names.resize(5);
    return fmt::format("{}{}", fmt::join(names, ", "),
                       count > 5 ? fmt::format(" and {} more", count - 5) : "");
  };
  validate<DataError>(
      missing.empty(),
      "{}: {} tensor(s) that a {} model with this config.json has are missing: {}; nothing is "
      "computed with a partial model: fetch the checkpoint again or correct config.json",
      folder_.string(), missing.size(), plan.family, list(missing));
  validate<DataError>(
      surplus.empty(),
      "{}: {} tensor(s) that a {} model with this config.json does not have: {}; the results would "
      "not be those of this checkpoint: correct config.json",
      at(surplus.empty() ? *wanted.begin() : surplus.front()).file->path().string(), surplus.size(),
      plan.family, list(surplus));
  for (auto const& [name, dtype, shape] : stored_parts(plan)) {
    check_shape(at(name), name, shape, plan.family);
    check_dtype(at(name), name, dtype, plan.family);
  }
}

std::vector<Checkpoint::Part> Checkpoint::stored_parts(ModelPlan const& plan) const {
  std::vector<Part> out;
  for (auto const& spec : tensor_specs(plan)) {
    if (!packed(spec.name)) {
      out.push_back({spec.name, spec.kind == TensorSpec::Kind::packed ? "U8" : "", spec.shape});
      continue;
    }
    for (auto const& [suffix, dtype, shape] : packed_tensors(plan.quantisation, spec.shape[0], spec.shape[1]))
      out.push_back({module_of(spec.name) + std::string(suffix), std::string(dtype), shape});
  }
  return out;
}

std::vector<std::int64_t> const* Checkpoint::packed(std::string const& name) const {
  auto const found = packed_.find(name);
  return found == packed_.end() ? nullptr : &found->second;
}

std::string Checkpoint::fingerprint() const {
  auto text = read_small_file(folder_ / "config.json", 1 << 20);
  for (auto const& file : files_)
    text += fmt::format("\n{}\n{}\n", file->path().filename().string(),
                        std::filesystem::file_size(file->path())) +
            std::string(file->header());
  // two seeds, or a base and its tuned copy, have equal headers; the start of every tensor tells them apart
  for (auto const& [name, tensor] : tensors_)
    text += fmt::format("{:016x}",
                        XXH3_64bits(tensor->bytes.data(), std::min<std::size_t>(tensor->bytes.size(), 4096)));
  auto const hash = XXH3_128bits(text.data(), text.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::vector<std::filesystem::path> Checkpoint::files() const {
  std::vector<std::filesystem::path> out;
  for (auto const& file : files_) out.push_back(file->path());
  return out;
}

std::int64_t Checkpoint::bytes() const {
  std::int64_t total = 0;
  for (auto const& [name, tensor] : tensors_) total += static_cast<std::int64_t>(tensor->bytes.size());
  return total;
}

}  // namespace moerae
