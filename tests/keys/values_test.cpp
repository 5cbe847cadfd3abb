#include "moerae/keys/values.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

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

}  // namespace
}  // namespace moerae::kind
