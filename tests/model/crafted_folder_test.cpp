// What lies in the folder and what the index says of it.

#include <sys/stat.h>

#include "model/crafted_case.hpp"

namespace moerae::test {
namespace {

constexpr char const* query = "model.layers.0.self_attn.q_proj.weight";

void replace_by_fifo(Folder& f) {
  std::filesystem::remove(f.at(weights));
  ASSERT_EQ(::mkfifo(f.at(weights).c_str(), 0600), 0);
}
void replace_by_link(Folder& f, std::string const& target) {
  std::filesystem::remove(f.at(weights));
  std::filesystem::create_symlink(target, f.at(weights));
}
Case place(char const* name, json const& file) {
  return {name,
          [=](Folder& f) {
            f.shard();
            auto map = f.map();
            map[query] = file;
            f.write_index(map);
          },
          {index_file, query, "bare file name"}};
}

constexpr char const* lfs_pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n";
Case left_by_lfs(char const* name, std::string const& file) {
  return {name, [=](Folder& f) { f.shard(), put(f.at(file), lfs_pointer); }, {file, "Git LFS"}};
}

class CraftedFolder : public Crafted {};
TEST_P(CraftedFolder, IsRefused) {
  refused(plain);
}
INSTANTIATE_TEST_SUITE_P(
    Files, CraftedFolder,
    ::testing::Values(
        left_by_lfs("LfsWeights", "b.safetensors"), left_by_lfs("LfsSingleFile", weights),
        left_by_lfs("LfsIndex", index_file), left_by_lfs("LfsConfig", "config.json"),
        Case{"HubCache",
             [](Folder& f) {
               std::filesystem::remove(f.at("config.json"));
               std::filesystem::create_directory(f.at("snapshots"));
             },
             {"cache of a model from a hub", "snapshots/"}},
        Case{"NoWeights", [](Folder& f) { std::filesystem::remove(f.at(weights)); }, {weights, index_file}},
        Case{"Directory",
             [](Folder& f) {
               std::filesystem::remove(f.at(weights));
               std::filesystem::create_directory(f.at(weights));
             },
             {weights, "not a regular file"}},
        Case{"Fifo", replace_by_fifo, {weights, "not a regular file"}},
        Case{"Device", [](Folder& f) { replace_by_link(f, "/dev/zero"); }, {weights, "not a regular file"}},
        Case{"LinkToItself", [](Folder& f) { replace_by_link(f, weights); }, {weights}},
        Case{"LinkToNothing", [](Folder& f) { replace_by_link(f, "gone"); }, {weights}},
        Case{"LinkToAnotherKindOfFile",
             [](Folder& f) { replace_by_link(f, "/etc/passwd"); },
             {weights, "header"}},
        Case{"ConfigIsADirectory",
             [](Folder& f) {
               std::filesystem::remove(f.at("config.json"));
               std::filesystem::create_directory(f.at("config.json"));
             },
             {"config.json"}},
        Case{"ConfigIsEndless",
             [](Folder& f) { put(f.at("config.json"), f.config.dump() + std::string(2 << 20, ' ')); },
             {"config.json", "more than"}}),
    name_of);
INSTANTIATE_TEST_SUITE_P(
    Index, CraftedFolder,
    ::testing::Values(
        place("LeavesTheFolder", "../x.safetensors"), place("Absolute", "/etc/x.safetensors"),
        place("InASubfolder", "sub/x.safetensors"), place("Backslash", "..\\x.safetensors"),
        place("NulByte", std::string("x\0.safetensors", 14)), place("Hidden", ".safetensors"),
        place("NoSafetensors", "config.json"), place("Number", 3),
        Case{"NameTooLong",
             [](Folder& f) {
               f.shard(), f.write_index({{query, std::string(5000, 'x') + ".safetensors"}});
             },
             {index_file, "bare file name"}},
        Case{"MissingShard",
             [](Folder& f) { f.shard(), std::filesystem::remove(f.at("a.safetensors")); },
             {"a.safetensors", "missing"}},
        Case{"ListedInTheWrongShard",
             [](Folder& f) {
               f.shard();
               auto map = f.map();
               map[query] = "b.safetensors";
               f.write_index(map);
             },
             {"a.safetensors", query}},
        Case{"ListedButNotThere",
             [](Folder& f) {
               f.shard();
               auto map = f.map();
               map["odd"] = "a.safetensors";
               f.write_index(map);
             },
             {"a.safetensors", "odd"}},
        Case{"InTwoFiles",
             [](Folder& f) {
               f.shard();
               write_safetensors(f.at("b.safetensors"), f.tensors);
             },
             {"b.safetensors", "another file"}},
        Case{"EmptyMap",
             [](Folder& f) { f.shard(), f.write_index(json::object()); },
             {index_file, "weight_map"}},
        Case{"NoMap", [](Folder& f) { f.shard(), put(f.at(index_file), "{}"); }, {index_file, "weight_map"}},
        Case{"DuplicateKey",
             [](Folder& f) {
               f.shard();
               put(f.at(index_file), R"({"weight_map":{"a":"a.safetensors","a":"b.safetensors"}})");
             },
             {index_file, "occurs twice"}}),
    name_of);

// as transformers does it
TEST(TwoLayouts, TheSingleFileIsRead) {
  Folder folder(plain);
  folder.shard();
  folder.write();
  put(folder.at("b.safetensors"), "damaged");
  EXPECT_NO_THROW(folder.read());
}

}  // namespace
}  // namespace moerae::test
