#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "app/options/read.hpp"
#include "moerae/base/check.hpp"

namespace moerae::test {

/// A folder of this process's own that goes away with it.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("moerae-study-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
  }
  Folder(Folder const&) = delete;
  Folder& operator=(Folder const&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::filesystem::path write(std::string const& name, std::string const& text) const {
    std::ofstream(path_ / name) << text;
    return path_ / name;
  }
  [[nodiscard]] std::filesystem::path const& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline Study read_text(std::string const& text, std::vector<std::string> const& words = {}) {
  Folder const folder;
  return read_study({folder.write("study.ini", text), words});
}

/// The message of the ConfigError, with the folder of the study file cut out; empty when the study is
/// accepted.
inline std::string faults_of(std::string const& text, std::vector<std::string> const& words = {},
                             std::vector<std::string> const& required = {}) {
  Folder const folder;
  try {
    static_cast<void>(read_study({folder.write("study.ini", text), words, required}));
  } catch (ConfigError const& error) {
    std::string message = error.what();
    auto const prefix = folder.path().string() + "/";
    for (auto at = message.find(prefix); at != std::string::npos; at = message.find(prefix))
      message.erase(at, prefix.size());
    return message;
  }
  return {};
}

}  // namespace moerae::test
