#include "reduce/plan/pair_value.hpp"

#include <gmock/gmock.h>

namespace moerae::kind {
namespace {

TEST(PairValue, ReadsAndPrintsPairsAndSeveralSets) {
  for (auto const* text : {"a:b", "a:b/c"}) EXPECT_EQ(Groups{}.print(Groups{}.parse(text, "")), text);
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
                                      {"a:b@refused", "not available in this version"}})
    try {
      (void)Groups{}.parse(text, "");
      ADD_FAILURE() << "'" << text << "' is accepted";
    } catch (BadValue const& reason) {
      EXPECT_THAT(reason.what(), testing::HasSubstr(message)) << text;
    }
}

}  // namespace
}  // namespace moerae::kind
