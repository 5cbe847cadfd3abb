// The file of weights, byte by byte.

#include "model/crafted_case.hpp"

namespace moerae::test {
namespace {

Case header(char const* name, std::string const& text, std::size_t data, std::vector<std::string> words) {
  words.emplace_back(weights);
  return {name, [=](Folder& f) { put(f.at(weights), safetensors_bytes(text, data)); }, words};
}
Case tensor(char const* name, std::string const& fields, std::vector<std::string> words) {
  words.emplace_back("tensor a");
  return header(name, R"({"a":{)" + fields + "}}", 8, std::move(words));
}
Case bytes(char const* name, std::function<std::string(std::string)> const& change, char const* word) {
  return {name, [=](Folder& f) { put(f.at(weights), change(slurp(f.at(weights)))); }, {weights, word}};
}
Case length(char const* name, std::uint64_t claimed) {
  return bytes(
      name,
      [=](std::string raw) {
        std::memcpy(raw.data(), &claimed, 8);
        return raw;
      },
      "header claims");
}
std::string repeated(std::string const& text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

class CraftedHeader : public Crafted {};
TEST_P(CraftedHeader, IsRefused) {
  refused(plain);
}
INSTANTIATE_TEST_SUITE_P(
    Bytes, CraftedHeader,
    ::testing::Values(
        bytes(
            "EmptyFile", [](auto const&) { return std::string(); }, "truncated"),
        bytes(
            "SevenBytes", [](auto const& raw) { return raw.substr(0, 7); }, "truncated"),
        bytes(
            "CutInTheHeader", [](auto const& raw) { return raw.substr(0, 300); }, "truncated"),
        bytes(
            "CutInTheData", [](auto const& raw) { return raw.substr(0, raw.size() - 1); }, "truncated"),
        bytes(
            "TrailingData", [](auto const& raw) { return raw + "x"; }, "cover"),
        bytes(
            "ZipArchive", [](auto const& raw) { return "PK\3\4\24\0\10\10" + raw; }, "header claims"),
        length("LengthTwoTo64MinusOne", ~std::uint64_t{0}), length("LengthTwoTo63", std::uint64_t{1} << 63),
        length("LengthMinus8", ~std::uint64_t{7}), length("LengthBeyondTheLimit", 100'000'001),
        length("LengthBeyondTheFile", 99'000'000)),
    name_of);
INSTANTIATE_TEST_SUITE_P(
    Text, CraftedHeader,
    ::testing::Values(
        header("EmptyHeader", "", 8, {"JSON"}), header("NoJson", "{'a': 1}", 8, {"not valid JSON"}),
        header("List", "[1, 2]", 8, {"object"}), header("SpaceFirst", " {}", 0, {"first byte"}),
        header("ByteOrderMark", "\xef\xbb\xbf{}", 0, {"first byte"}),
        header("TextBehindTheObject", "{} {}", 0, {"not valid JSON"}),
        header("DeepLists", R"({"a":)" + std::string(200'000, '['), 8, {"tensor a"}),
        header("DeepObjects", repeated(R"({"a":)", 100'000), 8, {"tensor a"}),
        header("NotUtf8", "{\"\xff\xfe\":{}}", 8, {"not valid JSON"}),
        header("LoneSurrogate", R"({"\ud800":{}})", 8, {"not valid JSON"}),
        header(
            "DuplicateTensor",
            R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\u0061":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})",
            8, {"tensor a", "occurs twice"}),
        header("DuplicateMetadata", R"({"__metadata__":{},"__metadata__":{}})", 0, {"__metadata__", "twice"}),
        header("DuplicateMetadataKey", R"({"__metadata__":{"k":"1","k":"2"}})", 0, {"__metadata__", "k"}),
        header("MetadataOfNumbers", R"({"__metadata__":{"k":1}})", 0, {"__metadata__", "string"}),
        header("EndlessMetadata",
               [] {
                 std::string text = R"({"__metadata__":{)";
                 for (int i = 0; i < 5000; ++i) text += fmt::format(R"({}"{}":"")", i == 0 ? "" : ",", i);
                 return text + "}}";
               }(),
               0, {"__metadata__", "more than"}),
        header("EndlessName", "{\"" + std::string(3 << 20, 'n') + "\":{}}", 0, {"string, number"}),
        header("EndlessNumber", "{\"a\":{\"shape\":[" + std::string(3 << 20, '9') + "]}}", 0,
               {"string, number"}),
        header(
            "Overlap",
            R"({"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
            8, {"tensor b", "overlaps"}),
        header(
            "OneInsideTheOther",
            R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
            8, {"tensor b", "overlaps"}),
        header(
            "Hole",
            R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
            8, {"tensor b", "hole of 1 byte"}),
        header("EntryIsAList", R"({"a":[]})", 8, {"tensor a"}),
        header("EntryIsNull", R"({"a":null})", 8, {"tensor a", "null"})),
    name_of);
INSTANTIATE_TEST_SUITE_P(
    Entry, CraftedHeader,
    ::testing::Values(
        tensor("NoOffsets", R"("dtype":"F32","shape":[2])", {"data_offsets"}),
        tensor("OneOffset", R"("dtype":"F32","shape":[2],"data_offsets":[0])", {"data_offsets"}),
        tensor("ThreeOffsets", R"("dtype":"F32","shape":[2],"data_offsets":[0,8,8])", {"data_offsets"}),
        tensor("OffsetsBackwards", R"("dtype":"F32","shape":[2],"data_offsets":[8,0])", {"data_offsets"}),
        tensor("OffsetsBeyond", R"("dtype":"F32","shape":[2],"data_offsets":[8,16])", {"data_offsets"}),
        tensor("OffsetOf64Bits", R"("dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615])",
               {"data_offsets"}),
        tensor("NegativeOffset", R"("dtype":"F32","shape":[2],"data_offsets":[-8,0])",
               {"data_offsets", "-8"}),
        tensor("FloatOffset", R"("dtype":"F32","shape":[2],"data_offsets":[0,8.0])", {"data_offsets", "8.0"}),
        tensor("ShapeProductOverflows",
               R"("dtype":"F32","shape":[8589934592,8589934592],"data_offsets":[0,8])", {"more elements"}),
        tensor("ShapeBytesOverflow", R"("dtype":"F64","shape":[2305843009213693953],"data_offsets":[0,8])",
               {"more elements"}),
        tensor("ExtentBeyond63Bits", R"("dtype":"U8","shape":[9223372036854775808,0],"data_offsets":[0,0])",
               {"shape", "9223372036854775808"}),
        tensor("ExtentBeyond64Bits", R"("dtype":"U8","shape":[36893488147419103232],"data_offsets":[0,8])",
               {"shape"}),
        tensor("NegativeExtent", R"("dtype":"F32","shape":[-1,-2],"data_offsets":[0,8])", {"shape", "-1"}),
        tensor("FloatExtent", R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])", {"shape", "2.0"}),
        tensor("TextExtent", R"("dtype":"F32","shape":["2"],"data_offsets":[0,8])", {"shape"}),
        tensor("ShapeIsANumber", R"("dtype":"F32","shape":2,"data_offsets":[0,8])", {"shape"}),
        tensor("EndlessShape",
               R"("dtype":"U8","shape":[)" + repeated("1,", 100) + R"(8],"data_offsets":[0,8])",
               {"shape", "axes"}),
        tensor("ShapeLargerThanItsBytes", R"("dtype":"F32","shape":[3],"data_offsets":[0,8])",
               {"dtype and shape"}),
        tensor("UnknownDtype", R"("dtype":"F33","shape":[2],"data_offsets":[0,8])", {"F33"}),
        tensor("DtypeIsANumber", R"("dtype":32,"shape":[2],"data_offsets":[0,8])", {"dtype", "32"}),
        tensor("DuplicateField", R"("dtype":"F32","dtype":"I32","shape":[2],"data_offsets":[0,8])",
               {"dtype", "twice"}),
        tensor("UnknownField", R"("dtype":"F32","shape":[2],"data_offsets":[0,8],"strides":[1])",
               {"strides"})),
    name_of);

}  // namespace
}  // namespace moerae::test
