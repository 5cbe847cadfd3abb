#include "model/lfs_pointer.hpp"

#include "moerae/base/check.hpp"

namespace moerae {

void refuse_lfs_pointer(std::string_view beginning, std::string const& file) {
  validate<DataError>(!beginning.starts_with("version https://git-lfs.github.com/spec/"),
                      "{}: a pointer of Git LFS, not the file itself; fetch it with `git lfs pull` in the "
                      "folder of the checkpoint",
                      file);
}

}  // namespace moerae
