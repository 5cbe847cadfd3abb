// A full disk, played by a limit on the size of files: an error, nothing under the final name, a clean exit.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>

#include "moerae/base/check.hpp"
#include "moerae/store/file.hpp"
#include "moerae/store/publish.hpp"
#include "store/scratch.hpp"

namespace moerae::store {
namespace {

void limit_files(rlim_t bytes) {
  std::signal(SIGXFSZ, SIG_IGN);  // writes fail with EFBIG then
  rlimit const limit{bytes, bytes};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/// exit(0), with all clean-up at exit, when `action` throws an Error.
template <class Action>
[[noreturn]] void exit_on_error(Action&& action) {
  limit_files(1 << 20);
  try {
    action();
  } catch (Error const& error) {
    std::fprintf(stderr, "%s\n", error.what());
    std::exit(0);
  }
  std::exit(1);
}

class FullDisk : public testing::Test {
 protected:
  test::Scratch scratch_;
  void expect_clean() const {
    for (auto const& entry : std::filesystem::directory_iterator(scratch_.path()))
      ADD_FAILURE() << entry.path();
  }
};

void write_large(std::filesystem::path const& path, std::size_t datasets, std::size_t values,
                 Layout const& layout) {
  publish(path, [&](std::filesystem::path const& temporary) {
    auto file = File::create(temporary);
    for (std::size_t i = 0; i < datasets; ++i) {
      file.write(fmt::format("x{}", i), std::vector<float>(values, 1.0F), {values}, layout);
    }
    file.close();
  });
}

TEST_F(FullDisk, LargeDataset) {
  EXPECT_EXIT(exit_on_error([&] { write_large(scratch_ / "a.h5", 1, 1 << 20, {}); }),
              testing::ExitedWithCode(0), "a.h5");
  expect_clean();
}

TEST_F(FullDisk, ChunksThatAreStillCached) {
  EXPECT_EXIT(exit_on_error([&] { write_large(scratch_ / "a.h5", 8, 60000, {.chunk = {1000}}); }),
              testing::ExitedWithCode(0), "a.h5");
  expect_clean();
}

TEST_F(FullDisk, MetadataOnly) {
  EXPECT_EXIT(exit_on_error([&] { write_large(scratch_ / "a.h5", 4000, 1, {}); }), testing::ExitedWithCode(0),
              "a.h5");
  expect_clean();
}

TEST_F(FullDisk, Text) {
  EXPECT_EXIT(exit_on_error([&] { write_text(scratch_ / "a.json", std::string(2 << 20, 'x')); }),
              testing::ExitedWithCode(0), "a.json.*errno");
  expect_clean();
}

}  // namespace
}  // namespace moerae::store
