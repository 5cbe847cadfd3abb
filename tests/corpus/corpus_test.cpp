#include "moerae/corpus/corpus.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <limits>

#include "corpus/corpus_file.hpp"
#include "moerae/base/check.hpp"
#include "moerae/store/content_hash.hpp"

namespace moerae {
namespace {

using test::CorpusFile;
using test::message_of;
using test::Scratch;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Corpus, ReadsEveryColumn) {
  Scratch const scratch;
  CorpusFile const file;
  file.write(scratch / "corpus.h5");
  auto const corpus = read_corpus(scratch / "corpus.h5");
  EXPECT_EQ(corpus.size(), 3U);
  EXPECT_EQ(corpus.path, scratch / "corpus.h5");
  EXPECT_EQ(corpus.content_hash, store::content_hash(scratch / "corpus.h5"));
  EXPECT_EQ(corpus.tokenizer_hash, "t");
  EXPECT_TRUE(corpus.has_tokens);
  EXPECT_EQ(corpus.prompt_id, file.prompt_id);
  EXPECT_EQ(corpus.tokens, file.tokens);
  EXPECT_EQ(corpus.offset, file.offset);
  EXPECT_EQ(corpus.response_offset, file.response_offset);
  EXPECT_EQ(corpus.content_offset[2], (std::array<std::int64_t, 2>{8, 9}));
  EXPECT_EQ(corpus.set.code, file.set);
  EXPECT_EQ(corpus.set.name(2), "b");
  EXPECT_EQ(corpus.topic.name(0), "");
  EXPECT_EQ(corpus.cluster, file.cluster);
  EXPECT_EQ(corpus.pair, file.pair);
  EXPECT_THAT(corpus.split, ElementsAre(Split::discovery, Split::discovery, Split::test));
  EXPECT_EQ(corpus.length(2), 5);
  EXPECT_THAT(corpus.tokens_of(1), ElementsAre(0, 1, 2));
  auto const& replies = corpus.continuations;
  EXPECT_EQ(replies.prompt, file.reply_prompt);
  EXPECT_THAT(replies.kind, ElementsAre(ContinuationKind::target, ContinuationKind::refuse));
  EXPECT_THAT(replies.tokens_of(0), ElementsAre(4, 5));
  EXPECT_THAT(replies.tokens_of(1), ElementsAre(6));
}

TEST(Corpus, ContinuationsMayBeAbsent) {
  Scratch const scratch;
  CorpusFile file;
  file.leave_out = "continuation";
  file.write(scratch / "corpus.h5");
  EXPECT_EQ(read_corpus(scratch / "corpus.h5").continuations.size(), 0U);
}

TEST(PromptGroup, HoldsTheSetInTheSplit) {
  Scratch const scratch;
  CorpusFile().write(scratch / "corpus.h5");
  auto corpus = read_corpus(scratch / "corpus.h5");
  auto const held = [&](PromptGroup const& group) {
    std::vector<std::size_t> prompts;
    for (std::size_t p = 0; p < corpus.size(); ++p)
      if (group.holds(corpus, p)) prompts.push_back(p);
    return prompts;
  };
  EXPECT_THAT(held({"a"}), ElementsAre(0, 1));
  EXPECT_THAT(held({"b"}), ElementsAre());
  EXPECT_THAT(held({"b", {}, Split::test}), ElementsAre(2));
  EXPECT_THAT(held(PromptGroup::named("a@refused")), ElementsAre(0, 1));  // nothing is judged yet
  corpus.outcome = {{0, 1, -1}, {"refused", "complied"}};
  EXPECT_THAT(held(PromptGroup::named("a@refused")), ElementsAre(0));
  EXPECT_THAT(held(PromptGroup::named("a@complied")), ElementsAre(1));
  EXPECT_THAT(held(PromptGroup::named("a@broken")), ElementsAre());
  EXPECT_THAT(held(PromptGroup::named("a")), ElementsAre(0, 1));
}

TEST(Corpus, ClassesOfPositions) {
  Scratch const scratch;
  CorpusFile().write(scratch / "corpus.h5");
  auto const corpus = read_corpus(scratch / "corpus.h5");
  auto const classes = [&](std::size_t prompt) {
    std::string text;
    for (std::int64_t i = 0; i < corpus.length(prompt); ++i)
      text += "tpr"[static_cast<int>(position_class(corpus, prompt, i))];
    return text;
  };
  EXPECT_EQ(classes(0), "tppt");
  EXPECT_EQ(classes(1), "tpp");
  EXPECT_EQ(classes(2), "tptrr");
  EXPECT_THROW((void)position_class(corpus, 1, 3), std::logic_error);
  EXPECT_THROW((void)position_class(corpus, 3, 0), std::logic_error);
}

TEST(Corpus, WorksWithoutTokens) {
  Scratch const scratch;
  CorpusFile file;
  file.has_tokens = false;
  file.write(scratch / "corpus.h5");
  auto const corpus = read_corpus(scratch / "corpus.h5");
  EXPECT_FALSE(corpus.has_tokens);
  EXPECT_TRUE(corpus.tokens.empty());
  EXPECT_EQ(corpus.length(2), 5);
  EXPECT_NO_THROW(check_vocabulary(corpus, 1));
}

TEST(Corpus, AForeignTokenIsNamed) {
  Scratch const scratch;
  CorpusFile().write(scratch / "corpus.h5");
  auto const corpus = read_corpus(scratch / "corpus.h5");
  EXPECT_NO_THROW(check_vocabulary(corpus, 12));
  EXPECT_THAT(message_of<DataError>([&] { check_vocabulary(corpus, 11); }),
              AllOf(HasSubstr("prompt id 9"), HasSubstr("position 4"), HasSubstr("token 11"),
                    HasSubstr("11 entries")));
  CorpusFile file;
  file.reply_tokens[2] = 12;
  file.write(scratch / "foreign-reply.h5");
  auto const other = read_corpus(scratch / "foreign-reply.h5");
  EXPECT_THAT(
      message_of<DataError>([&] { check_vocabulary(other, 12); }),
      AllOf(HasSubstr("prompt id 9"), HasSubstr("position of a continuation 0"), HasSubstr("token 12")));
}

struct Fault {
  char const* says;  ///< what the message must hold besides the path
  std::function<void(CorpusFile&)> make;
};
void PrintTo(Fault const& fault, std::ostream* out) {
  *out << fault.says;
}

class Faulty : public testing::TestWithParam<Fault> {};

TEST_P(Faulty, IsRefusedByName) {
  Scratch const scratch;
  CorpusFile file;
  GetParam().make(file);
  file.write(scratch / "corpus.h5");
  EXPECT_THAT(message_of<DataError>([&] { (void)read_corpus(scratch / "corpus.h5"); }),
              AllOf(HasSubstr("corpus.h5"), HasSubstr(GetParam().says)));
}

constexpr auto lowest = std::numeric_limits<std::int64_t>::min();
constexpr auto highest = std::numeric_limits<std::int64_t>::max();

Fault const faults[] = {
    {"schema", [](auto& f) { f.schema = "moerae.routing/1"; }},
    {"not complete", [](auto& f) { f.complete = 0; }},
    {"prompt_id[2] = 7", [](auto& f) { f.prompt_id[2] = 7; }},
    {"no dataset response_offset", [](auto& f) { f.leave_out = "response_offset"; }},
    {"no dataset cluster", [](auto& f) { f.leave_out = "cluster"; }},
    {"no dataset wrapper", [](auto& f) { f.leave_out = "wrapper"; }},
    {"offset has the shape [3]", [](auto& f) { f.offset.pop_back(); }},
    {"pair has the shape [2]", [](auto& f) { f.pair.pop_back(); }},
    {"content_offset has the shape [2, 2]", [](auto& f) { f.content_offset.resize(4); }},
    {"offset[0] = 1", [](auto& f) { f.offset[0] = 1; }},
    {"offset[0] = -1", [](auto& f) { f.offset[0] = -1; }},
    {"offset[2] = 4", [](auto& f) { f.offset[2] = 4; }},
    {"offset[2] = -9223372036854775808", [](auto& f) { f.offset[2] = lowest; }},
    {"offset[3] = 11", [](auto& f) { f.offset[3] = 11; }},
    {"offset[3] = 9223372036854775807", [](auto& f) { f.offset[3] = highest; }},
    {"response_offset[1] = 3", [](auto& f) { f.response_offset[1] = 3; }},
    {"response_offset[1] = 8", [](auto& f) { f.response_offset[1] = 8; }},
    {"content_offset[1] = [3, 7]", [](auto& f) { f.content_offset[2] = 3; }},
    {"content_offset[1] = [7, 6]", [](auto& f) { f.content_offset[2] = 7, f.content_offset[3] = 6; }},
    {"content_offset[2] = [8, 11]", [](auto& f) { f.content_offset[5] = 11; }},
    {"split[2] = 3", [](auto& f) { f.split[2] = 3; }},
    {"split[1] = 1", [](auto& f) { f.split[1] = 1; }},
    {"set[0] = 3", [](auto& f) { f.set[0] = 3; }},
    {"set[0] = -2", [](auto& f) { f.set[0] = -2; }},
    {"set@categories[1] = a", [](auto& f) { f.sets[1] = "a"; }},
    {"pair[2] = -2", [](auto& f) { f.pair[2] = -2; }},
    {"pair[1] = 0", [](auto& f) { f.pair[1] = 0; }},
    {"continuation/kind[1] = 3", [](auto& f) { f.reply_kind[1] = 3; }},
    {"continuation/kind[0] = -1", [](auto& f) { f.reply_kind[0] = -1; }},
    {"continuation/prompt[1] = 3", [](auto& f) { f.reply_prompt[1] = 3; }},
    {"continuation/prompt[0] = -1", [](auto& f) { f.reply_prompt[0] = -1; }},
    {"continuation/prompt[1] = 0",
     [](auto& f) {
       f.reply_prompt = {2, 0};
     }},
    {"continuation/offset[0] = 1", [](auto& f) { f.reply_offset[0] = 1; }},
    {"continuation/offset[1] = 0", [](auto& f) { f.reply_offset[1] = 0; }},
    {"continuation/offset[2] = 4", [](auto& f) { f.reply_offset[2] = 4; }},
    {"continuation/kind has the shape [1]", [](auto& f) { f.reply_kind.pop_back(); }},
    {"no dataset continuation/tokens", [](auto& f) { f.leave_out = "continuation/tokens"; }},
    {"not a list of one prompt", [](auto& f) { f.prompt_id.clear(); }},
};
INSTANTIATE_TEST_SUITE_P(Corpus, Faulty, testing::ValuesIn(faults));

TEST(Corpus, ReadsWhatPythonWrites) {
  MOERAE_NEEDS_PYTHON();
  Scratch const scratch;
  test::run_python(scratch, R"(
from pathlib import Path
from moerae.files.corpus import Prompt, write_corpus
prompts = [
    Prompt([0, 5, 6, 1], "regular", 1, (1, 3), topic="x", pair=0, text="é"),
    Prompt([0, 5, 1, 8, 2], "benign", 1, (1, 2), response=3, pair=0, continuations=[("refuse", [4, 4])]),
]
write_corpus(Path("corpus.h5"), prompts, {"tokenizer_hash": "abc"}, keep_text=True)
write_corpus(Path("trace.h5"), prompts, {"tokenizer_hash": ""}, keep_tokens=False)
import h5py
with h5py.File("corpus.h5", "a") as file:
    rows = file["continuation/prompt"][:]
    del file["continuation/prompt"]
    file["continuation/prompt"] = rows.astype("u8")  # as numpy users write indices
)");
  auto const corpus = read_corpus(scratch / "corpus.h5");
  EXPECT_EQ(corpus.tokens, (std::vector<std::uint32_t>{0, 5, 6, 1, 0, 5, 1, 8, 2}));
  EXPECT_EQ(corpus.set.name(0), "regular");
  EXPECT_EQ(corpus.set.name(1), "benign");
  EXPECT_EQ(corpus.topic.name(1), "");
  EXPECT_EQ(corpus.tokenizer_hash, "abc");
  EXPECT_EQ(position_class(corpus, 1, 3), PositionClass::response);
  EXPECT_EQ(corpus.continuations.prompt, (std::vector<std::int64_t>{1}));
  EXPECT_FALSE(read_corpus(scratch / "trace.h5").has_tokens);
}

}  // namespace
}  // namespace moerae
