#pragma once

#include <gmock/gmock.h>

#include <functional>

#include "model/crafted.hpp"
#include "model/made_checkpoint.hpp"
#include "moerae/base/check.hpp"
#include "moerae/model/plan.hpp"
#include "store/scratch.hpp"

// Broken and hostile checkpoints: a typed error that names the file and the field, for every one of them.
namespace moerae::test {

using nlohmann::json;

inline constexpr char const* weights = "model.safetensors";
inline constexpr char const* index_file = "model.safetensors.index.json";
inline json const plain = json::parse(config_json("olmoe"));

/// A checkpoint folder that a damage is done to before it is read.
struct Folder {
  Scratch scratch;
  json config;
  MadeTensors tensors;

  explicit Folder(json fields) : config(std::move(fields)) {
    write_config();
    tensors = made_tensors(read_plan(scratch.path()));
    write();
  }
  [[nodiscard]] std::filesystem::path at(std::string const& name) const { return scratch / name; }
  void write_config() const { put(at("config.json"), config.dump()); }
  void write() const { write_safetensors(at(weights), tensors); }
  void shard() const {  // layer 0 in a.safetensors, the rest in b.safetensors
    std::map<std::string, MadeTensors> files;
    for (auto const& [name, tensor] : tensors)
      files[name.starts_with("model.layers.0.") ? "a.safetensors" : "b.safetensors"][name] = tensor;
    json map;
    for (auto const& [file, part] : files) {
      write_safetensors(at(file), part);
      for (auto const& [name, tensor] : part) map[name] = file;
    }
    write_index(map);
    std::filesystem::remove(at(weights));
  }
  void write_index(json const& map) const { put(at(index_file), json{{"weight_map", map}}.dump()); }
  [[nodiscard]] json map() const { return json::parse(slurp(at(index_file)))["weight_map"]; }
  void read() const {
    auto plan = read_plan(scratch.path());
    (void)Checkpoint::open(scratch.path()).fit(std::move(plan));
  }
};

struct Case {
  char const* name;
  std::function<void(Folder&)> damage;
  std::vector<std::string> words;  // of the message
};
inline void PrintTo(Case const& c, std::ostream* out) {
  *out << c.name;
}

class Crafted : public ::testing::TestWithParam<Case> {
 protected:
  void refused(json const& config) {
    Folder folder(config);
    ASSERT_NO_THROW(folder.read()) << "sound before the damage";
    GetParam().damage(folder);
    auto const message = message_of<DataError>([&] { folder.read(); });
    for (auto const& word : GetParam().words) EXPECT_THAT(message, ::testing::HasSubstr(word));
    EXPECT_LT(message.size(), 2000U) << "a message, not a dump of the file";
  }
};
inline std::string name_of(::testing::TestParamInfo<Case> const& info) {
  return info.param.name;
}

}  // namespace moerae::test
