#include "moerae/store/manifest.hpp"

#include <gmock/gmock.h>

#include "moerae/base/check.hpp"
#include "moerae/store/file.hpp"
#include "store/run_folder.hpp"

namespace moerae::store {
namespace {

using test::message_of;
using test::put;
using test::put_shard;
using test::Scratch;
using test::slurp;
using testing::AllOf;
using testing::HasSubstr;

std::string line(std::string const& path, char digit) {
  return R"({"path":")" + path + R"(","stage":"record","file_hash":")" + std::string(32, digit) +
         R"(","content_hash":null,"bytes":5})" + "\n";
}

TEST(Manifest, AppendsAndReadsBack) {
  Scratch const run;
  put_shard(run / "record/shard-000000.h5", 1);
  put(run / "reduce/sets/a.json", "{}");
  auto manifest = Manifest::read(run.path());
  EXPECT_TRUE(manifest.entries().empty());
  auto const shard = make_entry(run.path(), run / "record/shard-000000.h5", "record");
  auto const set = make_entry(run.path(), run / "reduce/sets/a.json", "reduce");
  EXPECT_EQ(shard.path, "record/shard-000000.h5");
  EXPECT_TRUE(shard.content_hash.has_value());
  EXPECT_FALSE(set.content_hash.has_value());
  EXPECT_EQ(set.bytes, 2U);
  manifest.append(shard);
  manifest.append(std::vector{shard, set});  // the first is listed already
  auto const text = slurp(run / "manifest.jsonl");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_EQ(text.substr(0, text.find('\n')),
            R"({"path":"record/shard-000000.h5","stage":"record","file_hash":")" + shard.file_hash +
                R"(","content_hash":")" + *shard.content_hash + R"(","bytes":)" +
                std::to_string(shard.bytes) + "}");
  auto const again = Manifest::read(run.path());
  EXPECT_EQ(again.entries(), manifest.entries());
  ASSERT_NE(again.find(set.path), nullptr);
  EXPECT_EQ(*again.find(set.path), set);
  EXPECT_EQ(again.find("none"), nullptr);
}

TEST(Manifest, LinesOfAnotherProgramAreNotCutOff) {
  Scratch const run;
  auto mine = Manifest::read(run.path()), other = Manifest::read(run.path());
  other.append({"a", "record", std::string(32, '1'), {}, 5});
  Entry const entry{"b", "record", std::string(32, '2'), {}, 5};
  EXPECT_THAT(message_of<Error>([&] { mine.append(entry); }),
              AllOf(HasSubstr("manifest.jsonl"), HasSubstr("another program")));
  EXPECT_EQ(slurp(run / "manifest.jsonl"), line("a", '1'));
  put(run / "manifest.jsonl", "");
  EXPECT_THAT(message_of<Error>([&] { other.append(entry); }), HasSubstr("another program"));
}

TEST(Manifest, ALaterLineReplacesAnEarlierOneAndATornOneIsDropped) {
  Scratch const run;
  put(run / "manifest.jsonl",
      line("a", '1') + line("b", '2') + line("a", '3') + line("c", '4').substr(0, 40));
  auto manifest = Manifest::read(run.path());
  EXPECT_EQ(manifest.entries().size(), 2U);
  EXPECT_EQ(manifest.find("a")->file_hash, std::string(32, '3'));
  manifest.append({"d", "record", std::string(32, '5'), {}, 5});
  EXPECT_EQ(slurp(run / "manifest.jsonl"), line("a", '1') + line("b", '2') + line("a", '3') + line("d", '5'));
}

TEST(Manifest, AMalformedLineIsNamed) {
  auto const good = line("a", '1');
  auto const replaced = [&](std::string const& from, std::string const& to) {
    auto text = good;
    return text.replace(text.find(from), from.size(), to);
  };
  for (auto const& bad :
       {std::string("\n"), std::string("{}\n"), std::string("[]\n"), std::string("{\"path\n"),
        replaced("\"bytes\":5", "\"bytes\":-5"), replaced("\"bytes\"", "\"bytez\""), replaced("1111", "111x"),
        replaced("1111", "111"), replaced("null", "7"), replaced("null", "\"ab\""),
        replaced("\"a\"", "\"../a\""), replaced("\"a\"", "\"/a\""), replaced("\"a\"", "\"\""),
        replaced("\"a\"", "\"b/../../a\""), replaced("\"a\"", "7"), replaced("}", ",\"x\":1}"),
        replaced("\"a\"", "\"\xff\"")}) {
    Scratch const run;
    put(run / "manifest.jsonl", good + bad + good);
    EXPECT_THAT(message_of<DataError>([&] { (void)Manifest::read(run.path()); }),
                AllOf(HasSubstr("manifest.jsonl"), HasSubstr("line 2")))
        << bad;
  }
}

TEST(Manifest, AdoptsWhatIsCompleteAndNotListed) {
  Scratch const run;
  put_shard(run / "corpus.h5", 1);
  put_shard(run / "record/shard-000000.h5", 1);
  put_shard(run / "record/shard-000001.h5", 2);
  put_shard(run / "record/shard-000002.h5", 3, false);
  put(run / "record/shard-000003.h5", "torn");
  put_shard(run / "record-0123abcd/shard-000000.h5", 4);
  put_shard(run / "record/deeper/shard-000000.h5", 5);
  put_shard(run / "record/.shard-000004.h5.12.tmp", 6);
  put_shard(run / "other/shard-000000.h5", 7);
  auto manifest = Manifest::read(run.path());
  manifest.append(make_entry(run.path(), run / "record/shard-000000.h5", "record"));
  std::vector<std::string> paths;
  for (auto const& entry : adopt(run.path())) {
    paths.push_back(entry.path);
    EXPECT_EQ(entry,
              make_entry(run.path(), run / entry.path, entry.path == "corpus.h5" ? "corpus" : "record"));
  }
  EXPECT_THAT(paths,
              testing::ElementsAre("corpus.h5", "record-0123abcd/shard-000000.h5", "record/shard-000001.h5"));
  EXPECT_EQ(Manifest::read(run.path()).entries().size(), 4U);
  EXPECT_TRUE(adopt(run.path()).empty());
  EXPECT_TRUE(adopt(run / "none").empty());
}

}  // namespace
}  // namespace moerae::store
