// A header that lies or never ends costs less than twice its size, measured in a process of its own.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "model/crafted.hpp"
#include "moerae/base/check.hpp"
#include "moerae/model/safetensors.hpp"
#include "store/scratch.hpp"

namespace moerae {
namespace {

constexpr std::size_t header_bytes = 20'000'000;

std::int64_t status_bytes(std::string const& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key)) return std::stoll(line.substr(key.size() + 1)) * 1024;
  return -1;
}

struct Outcome {
  bool refused = false;
  std::int64_t peak = 0;  // bytes above what the process held before
};

Outcome open_in_child(std::filesystem::path const& path) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) throw std::runtime_error("pipe");
  auto const child = fork();
  if (child == 0) {
    Outcome outcome;
    auto const before = status_bytes("VmRSS:");
    try {
      SafetensorsFile const unused(path);
    } catch (DataError const&) {
      outcome.refused = true;
    }
    outcome.peak = status_bytes("VmHWM:") - before;
    _exit(write(ends[1], &outcome, sizeof outcome) == sizeof outcome ? 0 : 1);
  }
  close(ends[1]);
  Outcome outcome;
  EXPECT_EQ(read(ends[0], &outcome, sizeof outcome), static_cast<ssize_t>(sizeof outcome));
  close(ends[0]);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  return outcome;
}

// `unit` again and again between `start` and `end`; `{}` in it is a running number
std::string endless(std::string const& start, std::string const& unit, std::string const& end) {
  std::string out = start;
  out.reserve(header_bytes + 1000);
  for (int i = 0; out.size() < header_bytes; ++i) out += fmt::format(fmt::runtime(unit), i);
  return out + end;
}

struct Case {
  char const* name;
  std::string (*header)();
};
void PrintTo(Case const& c, std::ostream* out) {
  *out << c.name;
}

constexpr auto tensors =
    R"("model.layers.0.mlp.experts.{}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}},)";

class HeaderMemory : public testing::TestWithParam<Case> {};
TEST_P(HeaderMemory, BelowTwiceTheHeader) {
  test::Scratch const scratch;
  {
    auto const bytes = test::safetensors_bytes(GetParam().header(), 8);
    test::put(scratch / "m.safetensors", bytes);
  }
  auto const outcome = open_in_child(scratch / "m.safetensors");
  EXPECT_TRUE(outcome.refused);
  EXPECT_LT(outcome.peak, 2 * static_cast<std::int64_t>(header_bytes));
}
INSTANTIATE_TEST_SUITE_P(
    Texts, HeaderMemory,
    testing::Values(
        Case{"Shape",
             [] { return endless(R"({"a":{"dtype":"U8","shape":[1)", ",1", R"(],"data_offsets":[0,8]}})"); }},
        Case{"Name", [] { return endless("{\"", "x", "\":{}}"); }},
        Case{"Number", [] { return endless(R"({"a":{"shape":[1)", "0", "]}}"); }},
        Case{"Depth", [] { return endless(R"({"a":)", "[", ""); }},
        Case{"Spaces", [] { return endless("{", " ", ""); }},
        Case{"Metadata", [] { return endless(R"({"__metadata__":{"x":"")", R"(,"{}":"")", "}}"); }},
        Case{"Fields", [] { return endless(R"({"a":{"x":0)", R"(,"{}":0)", "}}"); }},
        Case{"Tensors",
             [] { return endless("{", tensors, R"("b":{"dtype":"U8","shape":[7],"data_offsets":[0,7]}})"); }},
        Case{"TensorsWithoutEnd", [] { return endless("{", tensors, ""); }},
        Case{"TensorTwice",
             [] {
               return endless(
                   "{", tensors,
                   R"("model.layers.0.mlp.experts.7":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})");
             }}),
    [](auto const& made) { return made.param.name; });

TEST(HeaderMemory, ALengthThatLiesCostsNothing) {
  test::Scratch const scratch;
  auto const path = scratch / "m.safetensors";
  test::put(path, test::safetensors_bytes("{}", 0, 99'999'999));
  std::filesystem::resize_file(path, 200'000'000);  // the claim fits into the (sparse) file
  auto const outcome = open_in_child(path);
  EXPECT_TRUE(outcome.refused);
  EXPECT_LT(outcome.peak, 2 * 99'999'999);
}

}  // namespace
}  // namespace moerae
