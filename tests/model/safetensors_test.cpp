#include "moerae/model/safetensors.hpp"

#include <gmock/gmock.h>

#include "model/crafted.hpp"
#include "moerae/base/check.hpp"
#include "store/scratch.hpp"

namespace moerae {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr char const* two =
    R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[2,3],"data_offsets":[8,20]}})";

class SafetensorsTest : public testing::Test {
 protected:
  std::filesystem::path file(std::string const& bytes) {
    test::put(scratch_ / "m.safetensors", bytes);
    return scratch_ / "m.safetensors";
  }
  std::string fault(std::string const& bytes) {
    auto const path = file(bytes);
    return test::message_of<DataError>([&] { SafetensorsFile const unused(path); });
  }
  std::string header_fault(std::string const& header, std::size_t data) {
    return fault(test::safetensors_bytes(header, data));
  }
  test::Scratch scratch_;
};

TEST_F(SafetensorsTest, ReadsNamesShapesAndBytes) {
  SafetensorsFile const opened(file(test::safetensors_bytes(two, 20)));
  ASSERT_EQ(opened.tensors().size(), 2U);
  auto const& b = opened.tensors().at("b");
  EXPECT_EQ(b.dtype, "BF16");
  EXPECT_EQ(b.shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(b.bytes.size(), 12U);
  EXPECT_EQ(b.bytes[0], std::byte{1});
}

TEST_F(SafetensorsTest, MetadataAndEmptyTensorsAreFine) {
  SafetensorsFile const opened(file(test::safetensors_bytes(
      R"({"__metadata__":{"format":"pt"},"z":{"dtype":"I64","shape":[0,4],"data_offsets":[0,0]}})", 0)));
  EXPECT_EQ(opened.tensors().size(), 1U);
}

TEST_F(SafetensorsTest, HeadersThatLieAreRefused) {
  EXPECT_THAT(fault("short"), HasSubstr("truncated"));
  EXPECT_THAT(fault(test::safetensors_bytes(two, 20, ~std::uint64_t{0})), HasSubstr("header claims"));
  EXPECT_THAT(fault(test::safetensors_bytes(two, 20, 99'999'999)),
              AllOf(HasSubstr("header claims"), HasSubstr("truncated")));
  EXPECT_THAT(fault(test::safetensors_bytes(two, 19)), HasSubstr("tensor b"));
  EXPECT_THAT(fault(test::safetensors_bytes(two, 21)), HasSubstr("cover 20 of 21"));
  EXPECT_THAT(header_fault("{\"a\":", 0), HasSubstr("not valid JSON"));
  EXPECT_THAT(header_fault("[1]", 0), HasSubstr("object"));
  EXPECT_THAT(
      header_fault(
          R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
          4),
      HasSubstr("occurs twice"));
  EXPECT_THAT(
      header_fault(
          R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
          12),
      HasSubstr("overlaps"));
  EXPECT_THAT(header_fault(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8),
              HasSubstr("hole"));
  EXPECT_THAT(header_fault(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8),
              HasSubstr("dtype and shape"));
  EXPECT_THAT(
      header_fault(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}})", 8),
      HasSubstr("more elements"));
  EXPECT_THAT(header_fault(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}})", 8),
              HasSubstr("shape"));
  EXPECT_THAT(header_fault(R"({"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}})", 8), HasSubstr("F33"));
  EXPECT_THAT(header_fault(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8),
              HasSubstr("data_offsets"));
  EXPECT_THAT(header_fault(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]}})", 8),
              HasSubstr("data_offsets"));
  EXPECT_THAT(header_fault(R"({"a":{"dtype":"F32","shape":[2]}})", 8), HasSubstr("tensor a"));
  EXPECT_THAT(header_fault(R"({"a":[]})", 8), HasSubstr("tensor a"));
  EXPECT_THAT(header_fault("{\"a\xff\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4),
              HasSubstr("not valid JSON"));
}

class CheckpointTest : public testing::Test {
 protected:
  std::string fault() {
    return test::message_of<DataError>([&] { (void)Checkpoint::open(scratch_.path()); });
  }
  void index(std::string const& map) {
    test::put(scratch_ / "model.safetensors.index.json", R"({"weight_map":)" + map + "}");
  }
  test::Scratch scratch_;
};

TEST_F(CheckpointTest, PathsThatLeaveTheFolderAreRefused) {
  test::put(scratch_ / "config.json", test::config_json("olmoe"));
  for (auto const* name :
       {"../m.safetensors", "/etc/m.safetensors", "sub/m.safetensors", "m.bin", ".hidden.safetensors"}) {
    index(std::string(R"({"a":")") + name + "\"}");
    EXPECT_THAT(fault(), AllOf(HasSubstr("weight_map"), HasSubstr("bare file name"))) << name;
  }
  index(R"({"a":3})");
  EXPECT_THAT(fault(), HasSubstr("weight_map"));
}

TEST_F(CheckpointTest, IndexAndFilesMustAgree) {
  EXPECT_THAT(fault(), HasSubstr("model.safetensors"));
  index(R"({"a":"m.safetensors","b":"m.safetensors","c":"m.safetensors"})");
  EXPECT_THAT(fault(), AllOf(HasSubstr("m.safetensors"), HasSubstr("missing")));
  test::put(scratch_ / "m.safetensors", test::safetensors_bytes(two, 20));
  EXPECT_THAT(fault(), HasSubstr("tensor c"));
  index(R"({"a":"m.safetensors"})");
  EXPECT_THAT(fault(), AllOf(HasSubstr("tensor b"), HasSubstr("not listed")));
}

TEST_F(CheckpointTest, FingerprintFollowsHeadersAndConfig) {
  test::put(scratch_ / "config.json", test::config_json("olmoe"));
  test::put(scratch_ / "model.safetensors", test::safetensors_bytes(two, 20));
  auto const before = Checkpoint::open(scratch_.path()).fingerprint();
  EXPECT_EQ(before, Checkpoint::open(scratch_.path()).fingerprint());
  test::put(scratch_ / "config.json", test::config_json("qwen3_moe"));
  EXPECT_NE(before, Checkpoint::open(scratch_.path()).fingerprint());
}

}  // namespace
}  // namespace moerae
