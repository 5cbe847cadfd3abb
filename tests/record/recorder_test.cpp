#include "moerae/record/recorder.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "moerae/base/check.hpp"
#include "moerae/record/shard_reader.hpp"
#include "moerae/record/shard_writer.hpp"
#include "moerae/store/file.hpp"
#include "record/half.hpp"
#include "store/scratch.hpp"

namespace moerae {
namespace {

// Two prompts: 3 tokens (template, prompt, response) and 2 tokens (prompt, prompt).
Corpus made_corpus() {
  Corpus c;
  c.has_tokens = true;
  c.prompt_id = {40, 7};
  c.tokens = {1, 2, 3, 4, 5};
  c.offset = {0, 3, 5};
  c.response_offset = {2, 5};
  c.content_offset = {{1, 2}, {3, 5}};
  return c;
}

class RecorderTest : public testing::Test {
 protected:
  ExpertSpace space_{{1, 3}, 4, 2};  // MoE layers 1 and 3 of the decoder, top 2 of 4
  Corpus corpus_ = made_corpus();
  std::vector<std::size_t> selected_{0, 1};
  Shard shard_{ShardId(0), 0, 2, {{0, 1, 3}, {1, 2, 2}}};
  RecordOptions options_{true, Logits::all, "auto", 3, 2};

  // layer and row decide what the router says
  static void feed(Recorder& recorder, RecorderRows const& rows, std::int32_t layer, int salt) {
    std::vector<std::int64_t> ids;
    std::vector<float> weights, logits;
    for (std::size_t r = 0; r < rows.cells.size(); ++r) {
      auto const low = (static_cast<int>(r) + salt) % 3;
      ids.insert(ids.end(), {low, low + 1});
      weights.insert(weights.end(), {0.25F, 0.5F + 0.125F * static_cast<float>(r)});
      bool const asked = recorder.logits() == Logits::all ||
                         std::ranges::find(rows.last, static_cast<std::int64_t>(r)) != rows.last.end();
      for (int e = 0; e < 4 && asked; ++e)
        logits.push_back(static_cast<float>(layer * 100 + salt * 10 + e) + 0.25F * static_cast<float>(r));
    }
    recorder.on_decision(rows, {LayerId(layer), rows.cells.size(), 2, ids, weights, logits});
  }

  ShardRecord recorded(bool layer_by_layer) {
    Recorder recorder(corpus_, selected_, space_, options_);
    recorder.begin(shard_);
    auto const first = recorder.rows_of(shard_.batches[0]), second = recorder.rows_of(shard_.batches[1]);
    if (layer_by_layer) {  // from above, and every batch once a layer
      feed(recorder, second, 3, 0);
      feed(recorder, first, 3, 1);
      feed(recorder, second, 1, 2);
      feed(recorder, first, 1, 0);
    } else {
      feed(recorder, first, 1, 0);
      feed(recorder, first, 3, 1);
      feed(recorder, second, 1, 2);
      feed(recorder, second, 3, 0);
    }
    return recorder.record();
  }
};

TEST_F(RecorderTest, CountsByPromptClassLayerAndExpert) {
  auto const r = recorded(false);
  EXPECT_EQ(r.prompt_id, (std::vector<std::uint64_t>{40, 7}));
  EXPECT_EQ(r.tokens, (std::vector<std::uint32_t>{1, 1, 1, 0, 2, 0}));
  auto const cell = [&](std::size_t prompt, std::size_t kind, std::size_t layer, std::size_t expert) {
    return (prompt * 3 + kind) * space_.size() + space_.index(layer, expert);
  };
  EXPECT_EQ(r.count[cell(0, 0, 0, 0)], 1U);  // row 0 of layer 1 chose 0 and 1
  EXPECT_EQ(r.count[cell(0, 1, 0, 2)], 1U);  // row 1 chose 1 and 2
  EXPECT_EQ(r.mass[cell(0, 1, 0, 2)], std::llround(0.625 * 4294967296.0));
  EXPECT_EQ(r.count[cell(1, 1, 1, 1)], 2U);  // both rows of prompt 7 in layer 3 chose expert 1
  EXPECT_EQ(std::accumulate(r.count.begin(), r.count.end(), 0U), 5U * 2 * 2);
}

TEST_F(RecorderTest, BlocksMayComeInAnyOrder) {
  auto const a = recorded(false), b = recorded(true);
  EXPECT_EQ(a.tokens, b.tokens);
  EXPECT_EQ(a.count, b.count);
  EXPECT_EQ(a.mass, b.mass);
  EXPECT_EQ(a.expert, b.expert);
  EXPECT_EQ(a.weight, b.weight);
  EXPECT_EQ(a.logits, b.logits);
}

TEST_F(RecorderTest, KeepsRowsInTokenOrder) {
  auto const r = recorded(false);
  // token 3 = first row of the second batch; layer 3 is the second MoE layer; salt 0 -> experts 0 and 1
  EXPECT_EQ(r.expert[(3 * 2 + 1) * 2], 0);
  EXPECT_EQ(r.expert[(3 * 2 + 1) * 2 + 1], 1);
  EXPECT_EQ(r.logits[(3 * 2 + 0) * 4 + 3], 123.0F);
}

TEST_F(RecorderTest, KeepsTheLogitsOfTheLastTokenBeforeTheReply) {
  auto const all = recorded(false);
  options_.logits = Logits::last;
  auto const r = recorded(false);
  EXPECT_TRUE(r.logits.empty());
  ASSERT_EQ(r.last_logits.size(), 2U * 2 * 4);
  for (std::size_t prompt = 0; prompt < 2; ++prompt) {
    auto const token = static_cast<std::size_t>(corpus_.response_offset[prompt] - 1);
    for (std::size_t i = 0; i < 2 * 4; ++i)
      EXPECT_EQ(r.last_logits[prompt * 8 + i], all.logits[token * 8 + i]) << prompt << ' ' << i;
  }
  EXPECT_EQ(r.expert, all.expert);
  EXPECT_EQ(recorded(true).last_logits, r.last_logits);

  corpus_.response_offset[1] = corpus_.offset[1];  // nothing stands before this reply
  auto const none = recorded(false);
  EXPECT_TRUE(std::isnan(none.last_logits[8]));
  EXPECT_EQ(none.last_logits[0], r.last_logits[0]);

  test::Scratch const scratch;
  auto const path = scratch / shard_file_name(0);
  write_shard(path, r, "float32", store::make_provenance(routing_schema));
  auto const file = store::File::open(path);
  EXPECT_EQ(file.shape("routing/last_logits"), (std::vector<std::uint64_t>{2, 2, 4}));
  EXPECT_EQ(file.read<float>("routing/last_logits"), r.last_logits);
}

TEST_F(RecorderTest, KeepsTheLargestOutputOfEveryExpert) {
  Recorder recorder(corpus_, selected_, space_, options_);
  recorder.begin(shard_);
  EXPECT_TRUE(recorder.record().largest.empty());  // nobody asked
  std::vector<std::int64_t> const experts{0, 2, 2, 3};
  recorder.on_largest(LayerId(1), experts, std::vector<float>{1, 5, 2, 3});
  recorder.on_largest(LayerId(1), experts, std::vector<float>{4, 1, 1, 1});
  auto const& largest = recorder.record().largest;
  EXPECT_EQ((std::vector<float>(largest.begin(), largest.begin() + 4)), (std::vector<float>{4, 0, 5, 3}));
  EXPECT_TRUE(std::isnan(largest[4]));  // the last layer was not seen
  test::Scratch const scratch;
  auto const path = scratch / shard_file_name(0);
  write_shard(path, recorder.record(), "float32", store::make_provenance(routing_schema));
  EXPECT_EQ(ShardReader::open(path).largest_output(), (std::vector<float>{4, 0, 5, 3, 0, 0, 0, 0}));
  EXPECT_THROW(recorder.on_largest(LayerId(3), experts, std::vector<float>{1, 1, INFINITY, 1}), DataError);
}

TEST_F(RecorderTest, RefusesWhatIsNoNumber) {
  Recorder recorder(corpus_, selected_, space_, {false, Logits::none, "auto", 3, 2});
  recorder.begin(shard_);
  auto const rows = recorder.rows_of(shard_.batches[1]);
  std::vector<std::int64_t> const ids{0, 1, 0, 1};
  std::vector<float> const weights{0.5F, std::numeric_limits<float>::quiet_NaN(), 0.5F, 0.5F};
  auto const message = test::message_of<DataError>([&] {
    recorder.on_decision(rows, {LayerId(3), 2, 2, ids, weights, {}});
  });
  EXPECT_THAT(message, testing::HasSubstr("layer 3"));
}

TEST_F(RecorderTest, AShardFileGivesBackWhatWasRecorded) {
  test::Scratch const scratch;
  auto const r = recorded(false);
  auto const path = scratch / shard_file_name(0);
  auto origin = store::make_provenance(routing_schema);
  origin.shard = 0;
  origin.shards = 1;
  origin.stage_hash = "0123456789abcdef";
  write_shard(path, r, "float32", origin);
  auto const reader = ShardReader::open(path);
  EXPECT_EQ(reader.space(), space_);
  EXPECT_EQ(reader.prompt_ids(), r.prompt_id);
  auto const usage = reader.usage(0, 2);
  EXPECT_EQ(usage.count, r.count);
  EXPECT_EQ(usage.mass, r.mass);
  EXPECT_EQ(usage.tokens, r.tokens);
  auto const token = reader.routing(1, 0);
  EXPECT_EQ(token.expert, (std::vector<std::int32_t>{2, 3, 0, 1}));
  EXPECT_EQ(token.weight[1], 0.5F);
  // the second MoE layer alone
  auto const second = reader.usage(1, 1, {1, 1});
  EXPECT_EQ(second.tokens, (std::vector<std::uint32_t>{0, 2, 0}));
  EXPECT_EQ(second.count, (std::vector<std::uint32_t>{0, 0, 0, 0, 1, 2, 1, 0, 0, 0, 0, 0}));
  EXPECT_EQ(second.mass[4], std::int64_t{1} << 30);
  EXPECT_EQ(reader.routing(1, 0, {1, 1}).expert, (std::vector<std::int32_t>{0, 1}));
  EXPECT_EQ(reader.first_token(1), 3U);
  EXPECT_EQ(reader.expert_ids(2, 2, {1, 1}), (std::vector<std::uint16_t>{0, 1, 0, 1}));
  EXPECT_EQ(reader.expert_ids(0, 5, space_.all()), r.expert);
  auto const file = store::File::open(path);
  EXPECT_EQ(file.dtype("routing/expert"), "|u1");
  EXPECT_EQ(file.read<float>("routing/logits"), r.logits);
  EXPECT_EQ(file.strings_attribute("class", "categories"),
            (std::vector<std::string>{"template", "prompt", "response"}));
}

TEST_F(RecorderTest, IdsThatNoRouterSelectsAreRefused) {
  test::Scratch const scratch;
  auto origin = store::make_provenance(routing_schema);
  origin.stage_hash = "0123456789abcdef";
  auto const refused = [&](std::uint16_t low, std::uint16_t high) {
    auto r = recorded(false);
    r.expert[6] = low;  // token 1, second layer
    r.expert[7] = high;
    auto const path = scratch / fmt::format("{}-{}.h5", low, high);
    write_shard(path, r, "float32", origin);
    auto const reader = ShardReader::open(path);
    EXPECT_NO_THROW((void)reader.expert_ids(0, 5, {0, 1}));
    return test::message_of<DataError>([&] { (void)reader.expert_ids(0, 5, space_.all()); });
  };
  EXPECT_THAT(refused(1, 4), testing::HasSubstr("token 1 of the shard, decoder layer 3"));
  EXPECT_THAT(refused(2, 2), testing::HasSubstr("[2, 2] must ascend"));
}

TEST(Half, RoundsToNearestEven) {
  EXPECT_EQ(half_of(1.0F).bits, 0x3c00);
  EXPECT_EQ(half_of(-2.0F).bits, 0xc000);
  EXPECT_EQ(half_of(65504.0F).bits, 0x7bff);
  EXPECT_EQ(half_of(65520.0F).bits, 0x7c00);
  EXPECT_EQ(half_of(65519.0F).bits, 0x7bff);
  EXPECT_EQ(half_of(0x1p-24F).bits, 0x0001);
  EXPECT_EQ(half_of(0x1p-25F).bits, 0x0000);                 // tie, to even
  EXPECT_EQ(half_of(1.0F + 0x1p-11F).bits, 0x3c00);          // tie, to even
  EXPECT_EQ(half_of(1.0F + 0x1.8p-10F).bits, 0x3c02);        // tie, to even
  EXPECT_EQ(half_of(0x1.ffcp-15F + 0x1p-26F).bits, 0x0400);  // the step from subnormal to normal
  for (std::uint32_t bits = 0; bits < 0x7c00; ++bits)
    EXPECT_EQ(half_of(float_of(store::Half{static_cast<std::uint16_t>(bits)})).bits, bits);
}

}  // namespace
}  // namespace moerae
