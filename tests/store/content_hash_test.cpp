#include "moerae/store/content_hash.hpp"

#include "moerae/base/check.hpp"
#include "moerae/store/file.hpp"
#include "store/scratch.hpp"

namespace moerae::store {
namespace {

using test::Scratch;

TEST(Hash, FixedVectors) {
  Scratch const scratch;
  test::put(scratch / "a", "abc");
  test::put(scratch / "b", "");
  EXPECT_EQ(file_hash(scratch / "a"), "06b05ab6733a618578af5f94892f3950");
  EXPECT_EQ(file_hash(scratch / "b"), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(text_hash("abc"), "78af5f94892f3950");
  auto file = File::create(scratch / "a.h5");
  file.write("usage/count", std::vector<std::uint32_t>{1, 2, 3, 4, 5, 6}, {2, 3});
  file.write("half", std::vector<Half>{{0x3c00}}, {1});
  file.write_strings("name", {"a", "é"});
  file.close();
  EXPECT_EQ(content_hash(scratch / "a.h5"), "223614b0187e8a604ea44781623ee645");
  EXPECT_THROW((void)file_hash(scratch / "none"), DataError);
  EXPECT_THROW((void)file_hash(scratch.path()), DataError);
  EXPECT_THROW((void)content_hash(scratch / "a"), DataError);
}

class Content : public testing::Test {
 protected:
  Scratch scratch_;
  int made_ = 0;
  std::string hash(std::vector<std::int32_t> const& values, std::vector<std::uint64_t> const& shape,
                   std::string const& name = "x", Layout const& layout = {}) {
    auto const path = scratch_ / std::to_string(made_++);
    auto file = File::create(path);
    file.set_attribute("/", "n", made_);  // attributes do not count
    file.write(name, values, shape, layout);
    file.close();
    return content_hash(path);
  }
};

TEST_F(Content, CountsNameShapeAndValuesButNotTheLayout) {
  auto const base = hash({1, 2, 3, 4}, {4});
  EXPECT_EQ(hash({1, 2, 3, 4}, {4}, "x", {.chunk = {3}, .deflate = 9, .shuffle = true}), base);
  EXPECT_NE(hash({1, 2, 3, 5}, {4}), base);
  EXPECT_NE(hash({1, 2, 3, 4}, {2, 2}), base);
  EXPECT_NE(hash({1, 2, 3, 4}, {4}, "y"), base);
}

}  // namespace
}  // namespace moerae::store
