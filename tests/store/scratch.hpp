#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace moerae::test {

/// A folder of its own that goes when the test ends.
class Scratch {
 public:
  Scratch() {
    auto name = (std::filesystem::temp_directory_path() / "moerae-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no scratch folder");
    path_ = name;
  }
  Scratch(Scratch const&) = delete;
  Scratch& operator=(Scratch const&) = delete;
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  [[nodiscard]] std::filesystem::path const& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline void put(std::filesystem::path const& path, std::string_view text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string slurp(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::filesystem::path python() {
  return std::filesystem::path(MOERAE_SOURCE_DIR) / ".venv/bin/python";
}

/// What the Python program prints; a test that needs it starts with MOERAE_NEEDS_PYTHON.
inline std::string run_python(Scratch const& scratch, std::string_view program) {
  put(scratch / "program.py", program);
  auto const command = "cd '" + scratch.path().string() +
                       "' && PYTHONPATH='" MOERAE_SOURCE_DIR "/analysis' '" + python().string() +
                       "' program.py 2>&1";
  auto* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen");
  std::string output;
  std::array<char, 4096> buffer{};
  while (auto const count = std::fread(buffer.data(), 1, buffer.size(), pipe))
    output.append(buffer.data(), count);
  EXPECT_EQ(pclose(pipe), 0) << output;
  while (output.ends_with('\n')) output.pop_back();
  return output;
}

/// The message of the E that `action` throws; a failure when it throws nothing or something else.
template <class E, class Action>
std::string message_of(Action&& action) {
  try {
    action();
  } catch (E const& error) {
    return error.what();
  } catch (std::exception const& error) {
    ADD_FAILURE() << "another kind of error: " << error.what();
    return "";
  }
  ADD_FAILURE() << "no error";
  return "";
}

}  // namespace moerae::test

#define MOERAE_NEEDS_PYTHON()                                                                         \
  if (!std::filesystem::exists(::moerae::test::python())) {                                           \
    GTEST_SKIP()                                                                                      \
        << ".venv/bin/python is not there (jobs/setup.sh makes it); C++ and Python are not compared"; \
  }                                                                                                   \
  static_assert(true)
