#include "moerae/store/file.hpp"

#include <gmock/gmock.h>

#include <limits>
#include <numeric>

#include "moerae/base/check.hpp"
#include "store/scratch.hpp"

namespace moerae::store {
namespace {

using test::message_of;
using test::Scratch;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using Shape = std::vector<std::uint64_t>;

template <class T>
T value(int i) {
  return static_cast<T>(i);
}
template <>
Half value<Half>(int i) {
  return {static_cast<std::uint16_t>(i)};
}

template <class T>
class FileOf : public testing::Test {};
using Types = testing::Types<std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t, std::int32_t,
                             std::int64_t, float, double, Half>;
TYPED_TEST_SUITE(FileOf, Types);

TYPED_TEST(FileOf, ReadsBackWhatWasWrittenWholeAndByRows) {
  Scratch const scratch;
  std::vector<TypeParam> values;
  for (int i = 0; i < 60; ++i) values.push_back(value<TypeParam>(i * 4));
  auto out = File::create(scratch / "a.h5");
  out.write("group/deep/plain", values, {5, 4, 3});
  out.write("group/packed", values, {5, 4, 3}, {.chunk = {2, 100, 3}, .deflate = 4, .shuffle = true});
  out.close();
  auto const in = File::open(scratch / "a.h5");
  for (auto const* const name : {"group/deep/plain", "/group/packed"}) {
    EXPECT_EQ(in.read<TypeParam>(name), values);
    EXPECT_EQ(in.shape(name), (Shape{5, 4, 3}));
    EXPECT_EQ(in.read_rows<TypeParam>(name, 1, 2),
              std::vector<TypeParam>(values.begin() + 12, values.begin() + 36));
    EXPECT_EQ(in.read_block<TypeParam>(name, {1, 2, 0}, {2, 1, 2}),
              (std::vector<TypeParam>{values[18], values[19], values[30], values[31]}));
    EXPECT_THROW((void)in.read_block<TypeParam>(name, {0, 3, 0}, {5, 2, 3}), DataError);
    EXPECT_THROW((void)in.read_block<TypeParam>(name, {0, 0}, {1, 1}), DataError);
    EXPECT_TRUE(in.read_rows<TypeParam>(name, 5, 0).empty());
    EXPECT_THROW((void)in.read_rows<TypeParam>(name, 4, 2), DataError);
    EXPECT_THROW((void)in.read_rows<TypeParam>(name, std::numeric_limits<std::uint64_t>::max(), 2),
                 DataError);
  }
  EXPECT_THAT(in.datasets(), ElementsAre("group/deep/plain", "group/packed"));
}

TEST(File, NamesTypesLikeNumpy) {
  Scratch const scratch;
  auto file = File::create(scratch / "a.h5");
  file.write("u1", std::vector<std::uint8_t>{1}, {1});
  file.write("i8", std::vector<std::int64_t>{1}, {1});
  file.write("f2", std::vector<Half>{{0x3c00}}, {1});
  file.write_strings("text", {"x"});
  EXPECT_EQ(file.dtype("u1"), "|u1");
  EXPECT_EQ(file.dtype("i8"), "<i8");
  EXPECT_EQ(file.dtype("f2"), "<f2");
  EXPECT_EQ(file.dtype("text"), "str");
}

TEST(File, StringsAndEmptyDatasets) {
  Scratch const scratch;
  std::vector<std::string> const texts = {"", "Zürich", "a\nb", std::string(70000, 'x')};
  auto file = File::create(scratch / "a.h5");
  file.write_strings("text", texts);
  file.write_strings("none", {});
  file.write("empty", std::vector<float>{}, {0, 3}, {.chunk = {1, 1}, .deflate = 1});
  EXPECT_EQ(file.read_strings("text"), texts);
  EXPECT_TRUE(file.read_strings("none").empty());
  EXPECT_TRUE(file.read<float>("empty").empty());
  EXPECT_EQ(file.shape("empty"), (Shape{0, 3}));
  EXPECT_THROW((void)file.read_strings("empty"), DataError);
}

TEST(File, HasFollowsEveryPartOfThePath) {
  Scratch const scratch;
  auto file = File::create(scratch / "a.h5");
  file.write("a/b", std::vector<float>{1}, {1});
  EXPECT_TRUE(file.has("a/b") && file.has("/a") && file.has("a"));
  EXPECT_FALSE(file.has("a/c") || file.has("c/b") || file.has("a/b/c"));
}

TEST(File, Attributes) {
  Scratch const scratch;
  {
    auto file = File::create(scratch / "a.h5");
    file.write("x", std::vector<float>{1}, {1});
    file.set_attribute("/", "text", "first");
    file.set_attribute("/", "text", std::string(100000, 'y'));  // a long configuration; replaces
    file.set_attribute("/", "count", 7);
    file.set_attribute("x", "large", std::numeric_limits<std::int64_t>::min());
    file.set_attribute("x", "rate", 0.25);
    file.set_attribute("x", "categories", std::vector<std::string>{"template", "", "é"});
    file.set_attribute("x", "none", std::vector<std::string>{});
    file.close();
  }
  auto const file = File::open(scratch / "a.h5");
  EXPECT_EQ(file.string_attribute("/", "text"), std::string(100000, 'y'));
  EXPECT_EQ(file.int_attribute("/", "count"), 7);
  EXPECT_EQ(file.int_attribute("x", "large"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(file.double_attribute("x", "rate"), 0.25);
  EXPECT_THAT(file.strings_attribute("x", "categories"), ElementsAre("template", "", "é"));
  EXPECT_TRUE(file.strings_attribute("x", "none").empty());
  EXPECT_FALSE(file.has_attribute("x", "count"));
  EXPECT_THAT(message_of<DataError>([&] { (void)file.int_attribute("x", "count"); }),
              AllOf(HasSubstr("a.h5"), HasSubstr("count"), HasSubstr("x")));
  EXPECT_THROW((void)file.int_attribute("/", "text"), DataError);
  EXPECT_THROW((void)file.string_attribute("x", "categories"), DataError);  // three, not one
  EXPECT_THROW((void)file.string_attribute("/", "count"), DataError);
}

TEST(File, RefusalsNameFileAndDataset) {
  Scratch const scratch;
  {
    auto file = File::create(scratch / "a.h5");
    file.write("ids", std::vector<std::uint32_t>{1, 2}, {2});
    EXPECT_THROW(file.write("ids", std::vector<float>{1}, {1}), Error);
    EXPECT_THROW(file.write("short", std::vector<float>{1}, {2}), std::logic_error);
    file.close();
  }
  EXPECT_THAT(message_of<Error>([&] { (void)File::create(scratch / "a.h5"); }), HasSubstr("a.h5"));
  auto const file = File::open(scratch / "a.h5");
  EXPECT_THAT(message_of<DataError>([&] { (void)file.read<std::int32_t>("ids"); }),
              AllOf(HasSubstr("a.h5"), HasSubstr("ids"), HasSubstr("<u4"), HasSubstr("<i4")));
  EXPECT_THROW((void)file.read<std::uint64_t>("ids"), DataError);
  EXPECT_THROW((void)file.read<float>("ids"), DataError);
  EXPECT_THROW((void)file.read_strings("ids"), DataError);
  EXPECT_THAT(message_of<DataError>([&] { (void)file.read<float>("usage/count"); }),
              HasSubstr("usage/count"));
  EXPECT_THROW((void)file.read<float>("/"), DataError);
  EXPECT_THROW((void)File::open(scratch / "missing.h5"), DataError);
  EXPECT_THROW((void)File::open(scratch.path()), DataError);
}

TEST(File, RefusesGarbageAndTruncation) {
  Scratch const scratch;
  {
    auto file = File::create(scratch / "a.h5");
    file.write("x", std::vector<double>(1000, 1.0), {1000});
    file.close();
  }
  auto const whole = test::slurp(scratch / "a.h5");
  test::put(scratch / "b.h5", whole.substr(0, whole.size() - 100));
  test::put(scratch / "c.h5", "not HDF5 at all");
  test::put(scratch / "d.h5", "");
  for (auto const* const name : {"b.h5", "c.h5", "d.h5"}) {
    EXPECT_THAT(message_of<DataError>([&] { (void)File::open(scratch / name); }), HasSubstr(name));
  }
}

TEST(File, EqualContentMakesEqualBytesAtAnotherTime) {
  Scratch const scratch;
  auto const make = [&](char const* name) {
    auto file = File::create(scratch / name);
    file.write("g/x", std::vector<float>(100, 2.0F), {100}, {.chunk = {10}, .deflate = 1});
    file.write_strings("g/s", {"a", "b"});
    file.set_attribute("/", "schema", "s");
    file.close();
  };
  make("a.h5");
  usleep(1'100'000);  // object times count seconds
  make("b.h5");
  EXPECT_EQ(test::slurp(scratch / "a.h5"), test::slurp(scratch / "b.h5"));
}

}  // namespace
}  // namespace moerae::store
