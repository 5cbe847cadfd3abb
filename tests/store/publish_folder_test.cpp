// A folder that is published is whole at every moment: the process is killed before and after each call that
// renames or brings to disk, on file systems that can swap two names and on those that cannot.
#include "moerae/store/publish_folder.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <set>

#include "moerae/base/check.hpp"
#include "store/scratch.hpp"

namespace {

bool can_swap = true;
int calls = 0, dies_at = -1;  // counted: before and after every call

void tick() {
  if (calls++ == dies_at) ::kill(::getpid(), SIGKILL);
}

template <class Call>
int counted(Call&& call) {
  tick();
  auto const result = call();
  auto const cause = errno;
  tick();
  errno = cause;
  return static_cast<int>(result);
}

}  // namespace

// In the place of those of the C library, in this program.
extern "C" int rename(char const* from, char const* to) noexcept {
  return counted([&] { return ::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0); });
}
extern "C" int renameat2(int a, char const* from, int b, char const* to, unsigned flags) noexcept {
  return counted([&]() -> long {
    if (can_swap) return ::syscall(SYS_renameat2, a, from, b, to, flags);
    errno = EINVAL;
    return -1;
  });
}
extern "C" int fsync(int file) {
  return counted([&] { return ::syscall(SYS_fsync, file); });
}

namespace moerae::store {
namespace {

namespace fs = std::filesystem;
using test::put;
using test::slurp;

void publish_text(fs::path const& path, std::string const& text) {
  publish_folder(path, [&](fs::path const& made) {
    EXPECT_FALSE(fs::exists(made));
    put(made / "a", text);
    put(made / "b", text);
  });
}

// What is there whole, under its own name or as the one moved out of the way; empty: nothing.
std::string whole(fs::path const& path) {
  auto const old = path.parent_path() / ".folder.old";
  auto const from = fs::exists(path) ? path : old;
  if (!fs::exists(from)) return "";
  EXPECT_EQ(slurp(from / "a"), slurp(from / "b"));
  return slurp(from / "a");
}

struct PublishFolder : testing::TestWithParam<bool> {
  void SetUp() override {
    can_swap = GetParam();
    calls = 0;
    dies_at = -1;
  }
};

TEST_P(PublishFolder, NothingIsLostWhereverTheProcessDies) {
  test::Scratch const scratch;
  auto const path = scratch / "run/folder";
  bool died = true;
  int deaths = 0;
  std::set<std::string> seen;
  for (int at = 0; died; ++at) {
    fs::remove_all(path.parent_path());
    publish_text(path, "old");
    auto const child = ::fork();
    if (child == 0) {
      calls = 0;
      dies_at = at;
      publish_text(path, "new");
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    died = WIFSIGNALED(status);
    deaths += died ? 1 : 0;
    auto const found = whole(path);
    EXPECT_TRUE(found == "old" || found == "new") << "killed at call " << at << ": '" << found << "'";
    if (GetParam()) {
      EXPECT_TRUE(fs::exists(path)) << "killed at call " << at;
    }
    seen.insert(found);
    publish_text(path, "repeated");
    EXPECT_EQ(slurp(path / "a"), "repeated");
    EXPECT_EQ(std::distance(fs::directory_iterator(path.parent_path()), fs::directory_iterator()), 1);
  }
  EXPECT_GE(deaths, GetParam() ? 10 : 14);
  EXPECT_EQ(seen, (std::set<std::string>{"old", "new"}));
}

TEST_P(PublishFolder, StaysAsItWasWhereWritingFails) {
  test::Scratch const scratch;
  auto const path = scratch / "folder";
  publish_text(path, "old");
  EXPECT_THROW(publish_folder(path,
                              [&](fs::path const& made) {
                                put(made / "a", "half");
                                throw Error("disk full");
                              }),
               Error);
  EXPECT_EQ(slurp(path / "a"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(scratch.path()), fs::directory_iterator()), 1);
}

TEST_P(PublishFolder, FilesOfTheOldOneGo) {
  test::Scratch const scratch;
  auto const path = scratch / "folder";
  publish_folder(path, [&](fs::path const& made) { put(made / "stale", "old"); });
  publish_text(path, "new");
  EXPECT_FALSE(fs::exists(path / "stale"));
}

INSTANTIATE_TEST_SUITE_P(FileSystems, PublishFolder, testing::Bool(),
                         [](auto const& instance) { return instance.param ? "swap" : "two_steps"; });

}  // namespace
}  // namespace moerae::store
