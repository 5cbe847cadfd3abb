// Byte by byte: that others read it is seen where exports are tested.
#include "moerae/store/safetensors_writer.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "moerae/base/check.hpp"
#include "store/scratch.hpp"

namespace moerae::store {
namespace {

using test::message_of;
using testing::HasSubstr;

std::vector<std::byte> bytes(std::size_t n, int value) {
  return std::vector(n, static_cast<std::byte>(value));
}

TEST(SafetensorsWriter, HeaderThenTheTensorsInTheirOrder) {
  test::Scratch const scratch;
  SafetensorsWriter file(scratch / "a",
                         {{"z", "F32", {2, 1}, 8}, {"a[3]", "BF16", {}, 2}, {"e", "F32", {0}, 0}});
  file.write("z", bytes(8, 1));
  file.write("a[3]", bytes(2, 2));
  file.write("e", {});
  file.close();
  auto const text = test::slurp(scratch / "a");
  std::size_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | static_cast<unsigned char>(text[i]);
  EXPECT_EQ(length % 8, 0);
  ASSERT_EQ(text.size(), 8 + length + 10);
  EXPECT_EQ(text.substr(8 + length), std::string(8, '\1') + std::string(2, '\2'));
  EXPECT_EQ(nlohmann::json::parse(text.substr(8, length)),
            nlohmann::json::parse(R"({"__metadata__": {"format": "pt"},
              "z": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]},
              "a[3]": {"dtype": "BF16", "shape": [], "data_offsets": [8, 10]},
              "e": {"dtype": "F32", "shape": [0], "data_offsets": [10, 10]}})"));
}

TEST(SafetensorsWriter, RefusesWhatWasNotDeclared) {
  test::Scratch const scratch;
  std::vector<SafetensorsEntry> const entries{{"a", "F32", {1}, 4}, {"b", "F32", {1}, 4}};
  SafetensorsWriter file(scratch / "a", entries);
  EXPECT_ANY_THROW(file.write("b", bytes(4, 0)));
  EXPECT_ANY_THROW(file.write("a", bytes(8, 0)));
  file.write("a", bytes(4, 0));
  EXPECT_ANY_THROW(file.close());
  EXPECT_ANY_THROW(SafetensorsWriter(scratch / "b", {{"a", "F32", {1}, 4}, {"a", "F32", {1}, 4}}));
  EXPECT_THAT(message_of<Error>([&] { SafetensorsWriter(scratch / "a", entries); }),
              HasSubstr((scratch / "a").string()));
}

}  // namespace
}  // namespace moerae::store
