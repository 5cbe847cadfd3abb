#include "reduce/plan/pair_value.hpp"

#include <gmock/gmock.h>

namespace moerae::kind {
namespace {

TEST(PairValue, ReadsAndPrintsPairsAndSeveralSets) {
  for (auto const* text : {"a:b", "a:b/c", "a@refused:a@complied/b"})
    EXPECT_EQ(Groups{}.print(Groups{}.parse(text, "")), text);
  EXPECT_EQ(Groups{}.parse(" a : b / c ", "").text(), "a:b/c");
}

TEST(PairValue, BadOnesSayWhatIsExpected) {
  for (auto const& [text, message] : {std::pair{"a", "two set names as a:b"},
                                      {"a:", "two set names as a:b"},
                                      {":b", "two set names as a:b"},
                                      {"a:b:c", "two set names as a:b"},
                                      {"a:b/", "two set names as a:b"},
                                      {"a:a", "with itself"},
                                      {"a:b/b", "'b' is there twice"},
                                      {"a:b@refuses", "SET@refused | SET@complied | SET@broken | SET@other"},
                                      {"a:@refused", "SET@refused"},
                                      {"a@refused:a@refused", "with itself"}})
    try {
      (void)Groups{}.parse(text, "");
      ADD_FAILURE() << "'" << text << "' is accepted";
    } catch (BadValue const& reason) {
      EXPECT_THAT(reason.what(), testing::HasSubstr(message)) << text;
    }
}

}  // namespace
}  // namespace moerae::kind
