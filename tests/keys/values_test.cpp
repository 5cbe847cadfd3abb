#include "moerae/keys/values.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <utility>

namespace moerae::kind {
namespace {

using testing::HasSubstr;

struct Bad {
  char const* text;
  char const* message;
  std::function<void(std::string const&)> parse;
};
template <class Kind>
auto parser(Kind kind) {
  return [kind](std::string const& text) { static_cast<void>(kind.parse(text, "/base")); };
}

TEST(Values, BadOnesSayWhatIsExpected) {
  Number const share{.above = 0, .most = 1};
  for (auto const& [text, message, parse] : {
           Bad{"maybe", "expected true | false", parser(Flag{})},
           Bad{"", "expected integer >= 1", parser(Integer<int>{1})},
           Bad{"1e3", "expected integer >= 1", parser(Integer<int>{1})},
           Bad{"+1", "expected integer >= 1", parser(Integer<int>{1})},
           Bad{"99999999999", "<= 2147483647", parser(Integer<int>{1})},
           Bad{"0", "expected number > 0 and <= 1", parser(share)},
           Bad{"1.5", "expected number > 0 and <= 1", parser(share)},
           Bad{"nan", "expected number", parser(Number{})},
           Bad{"inf", "expected number", parser(Number{})},
           Bad{"0.5x", "expected number", parser(Number{})},
           Bad{"automatic", "expected number", parser(Optional<Number>{{}, "auto"})},
           Bad{"a,,b", "empty entry", parser(List<SetName>{})},
           Bad{"a,b,", "empty entry", parser(List<SetName>{})},
           Bad{"a,b,a", "'a' is there twice", parser(List<SetName>{})},
           Bad{"a#b", "cannot be kept in a study file", parser(Path{})},
           Bad{"a\nb", "cannot be kept in a study file", parser(SetName{})},
       })
    try {
      parse(text);
      ADD_FAILURE() << "'" << text << "' is accepted";
    } catch (BadValue const& reason) {
      EXPECT_THAT(reason.what(), HasSubstr(message)) << text;
    }
}

TEST(Values, NumbersPrintToTheSameBits) {
  for (double const value : {0.1, 1.0 / 3, 1e-300, 12345678.9, 1.0})
    EXPECT_EQ(Number{}.parse(Number{}.print(value), ""), value);
}

TEST(Values, PathsAreAbsoluteAndNormal) {
  EXPECT_EQ(Path{}.parse("a/../b/", "/base"), "/base/b");
  EXPECT_EQ(Path{}.parse("/x/./y", "/base"), "/x/y");
  EXPECT_EQ(Path{}.parse("", "/base"), "");
  EXPECT_EQ(Path{}.parse(".", "/base"), "/base");
}

TEST(Values, PathsAreExpandedAsAShellWould) {
  ::setenv("HOME", "/home/fern", 1);
  ::setenv("MOERAE_TEST_DIR", "/scratch/a b", 1);
  ::setenv("MOERAE_TEST_EMPTY", "", 1);
  Path const path;
  EXPECT_EQ(path.parse("~", "/base"), "/home/fern");
  EXPECT_EQ(path.parse("~/runs/x", "/base"), "/home/fern/runs/x");
  EXPECT_EQ(path.parse("$MOERAE_TEST_DIR/x", "/base"), "/scratch/a b/x");
  EXPECT_EQ(path.parse("${MOERAE_TEST_DIR}x/y", "/base"), "/scratch/a bx/y");
  EXPECT_EQ(path.parse("a~b/~", "/base"), "/base/a~b/~");
  for (auto const& [text, message] : {std::pair("~fern/x", "home of another user"),
                                      {"$MOERAE_UNSET_/x", "MOERAE_UNSET_ is not set"},
                                      {"${MOERAE_TEST_EMPTY}/x", "MOERAE_TEST_EMPTY is not set"},
                                      {"a$", "starts a variable"},
                                      {"${HOME", "starts a variable"},
                                      {"${a-b}", "starts a variable"},
                                      {"out ; a note", "cannot be kept"},
                                      {"\"a\"", "cannot be kept"}}) {
    try {
      static_cast<void>(path.parse(text, "/base"));
      ADD_FAILURE() << text;
    } catch (BadValue const& error) {
      EXPECT_THAT(error.what(), HasSubstr(message)) << text;
    }
  }
}

}  // namespace
}  // namespace moerae::kind
