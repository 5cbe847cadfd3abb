#include "moerae/store/publish.hpp"

#include <gmock/gmock.h>

#include "moerae/base/check.hpp"
#include "store/scratch.hpp"

namespace moerae::store {
namespace {

using test::message_of;
using test::put;
using test::Scratch;
using test::slurp;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names(std::filesystem::path const& folder) {
  std::vector<std::string> found;
  for (auto const& entry : std::filesystem::directory_iterator(folder))
    found.push_back(entry.path().filename());
  std::sort(found.begin(), found.end());
  return found;
}

TEST(Publish, IsNotThereBeforeItIsComplete) {
  Scratch const scratch;
  auto const path = scratch / "new/folder/a.txt";
  publish(path, [&](std::filesystem::path const& temporary) {
    EXPECT_EQ(temporary.parent_path(), path.parent_path());
    EXPECT_EQ(temporary.filename(), ".a.txt." + std::to_string(getpid()) + ".tmp");
    EXPECT_TRUE(is_temporary(temporary));
    put(temporary, "content");
    EXPECT_FALSE(std::filesystem::exists(path));
  });
  EXPECT_EQ(slurp(path), "content");
  EXPECT_THAT(names(path.parent_path()), ElementsAre("a.txt"));
}

TEST(Publish, KeepsTheOldOneWhenWritingFails) {
  Scratch const scratch;
  write_text(scratch / "a", "old");
  auto const write = [](std::filesystem::path const& temporary) {
    put(temporary, "half");
    throw std::runtime_error("interrupted");
  };
  EXPECT_EQ(message_of<std::runtime_error>([&] { publish(scratch / "a", write); }), "interrupted");
  EXPECT_EQ(slurp(scratch / "a"), "old");
  EXPECT_THAT(names(scratch.path()), ElementsAre("a"));
  write_text(scratch / "a", "new");
  EXPECT_EQ(slurp(scratch / "a"), "new");
}

TEST(Publish, ErrorsNameTheFileAndTheCause) {
  Scratch const scratch;
  write_text(scratch / "a", "file");
  EXPECT_THAT(message_of<Error>([&] { write_text(scratch / "a/b", "x"); }),
              HasSubstr((scratch / "a").string()));
  put(scratch / "folder/c", "x");  // a folder that is not empty cannot be replaced by a file
  auto const message = message_of<Error>([&] { write_text(scratch / "folder", "x"); });
  EXPECT_THAT(message, testing::AllOf(HasSubstr((scratch / "folder").string()), HasSubstr("errno")));
  EXPECT_THAT(names(scratch.path()), ElementsAre("a", "folder"));
  EXPECT_THAT(message_of<Error>([&] { publish(scratch / "b", [](auto const&) {}); }), HasSubstr("errno"));
}

TEST(Publish, ReadText) {
  Scratch const scratch;
  put(scratch / "empty", "");
  put(scratch / "nul", std::string_view("a\0b", 3));
  EXPECT_EQ(read_text(scratch / "empty"), "");
  EXPECT_EQ(read_text(scratch / "nul").size(), 3U);
  EXPECT_THAT(message_of<DataError>([&] { (void)read_text(scratch / "none"); }), HasSubstr("none"));
  EXPECT_THROW((void)read_text(scratch.path()), DataError);
}

TEST(Publish, TemporariesAreKnownByTheirNames) {
  for (auto const* const name : {".a.1.tmp", ".shard-000001.h5.4242.tmp"})
    EXPECT_TRUE(is_temporary(name)) << name;
  for (auto const* const name :
       {"a.1.tmp", ".a.tmp", ".a.x.tmp", ".1.tmp", ".a..tmp", ".a.1.tmp2", ".tmp", ""}) {
    EXPECT_FALSE(is_temporary(name)) << name;
  }
}

TEST(Publish, RemovesStaleTemporariesOnly) {
  Scratch const scratch;
  put(scratch / ".a.h5.12.tmp", "");
  put(scratch / "a.h5", "");
  put(scratch / ".hidden", "");
  put(scratch / "below/.a.h5.12.tmp", "");
  put(scratch / "below/a.h5", "");
  EXPECT_THAT(remove_stale_temporaries(scratch.path(), Depth::folder), ElementsAre(scratch / ".a.h5.12.tmp"));
  EXPECT_THAT(names(scratch.path()), ElementsAre(".hidden", "a.h5", "below"));
  EXPECT_THAT(remove_stale_temporaries(scratch.path(), Depth::below),
              ElementsAre(scratch / "below/.a.h5.12.tmp"));
  EXPECT_THAT(names(scratch / "below"), ElementsAre("a.h5"));
  EXPECT_TRUE(remove_stale_temporaries(scratch / "none", Depth::below).empty());
}

}  // namespace
}  // namespace moerae::store
