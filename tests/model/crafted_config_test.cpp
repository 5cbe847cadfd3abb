// config.json.

#include "model/crafted_case.hpp"

namespace moerae::test {
namespace {

Case field(char const* name, char const* key, json const& value, std::vector<std::string> words = {}) {
  words.insert(words.end(), {"config.json", key});
  return {name, [=](Folder& f) { f.config[key] = value, f.write_config(); }, words};
}
Case without(char const* name, char const* key) {
  return {name, [=](Folder& f) { f.config.erase(key), f.write_config(); }, {"config.json", key}};
}
Case literal(char const* name, char const* text) {  // what no JSON library would write
  return {name,
          [=](Folder& f) {
            auto all = f.config.dump();
            all.insert(1, std::string(R"("rms_norm_eps":)") + text + ",");
            put(f.at("config.json"), all);
          },
          {"config.json"}};
}

class CraftedConfig : public Crafted {};
TEST_P(CraftedConfig, IsRefused) {
  refused(plain);
}
INSTANTIATE_TEST_SUITE_P(
    Fields, CraftedConfig,
    ::testing::Values(
        field("NoExperts", "num_experts", 0), field("NoneChosen", "num_experts_per_tok", 0),
        field("MoreChosenThanThere", "num_experts_per_tok", 5, {"5"}),
        field("NegativeExperts", "num_experts", -4), field("NegativeChosen", "num_experts_per_tok", -1),
        field("NoLayers", "num_hidden_layers", 0), field("EndlessLayers", "num_hidden_layers", 2'000'000'000),
        field("NoWidth", "hidden_size", 0), field("TextualWidth", "hidden_size", "8", {"\"8\""}),
        field("FloatWidth", "hidden_size", 8.5, {"8.5"}), field("ListWidth", "hidden_size", json::array({8})),
        field("Width2To63", "hidden_size", std::uint64_t{1} << 63),
        field("Width2To31", "hidden_size", std::int64_t{1} << 31),
        field("WidthBeyondTheBound", "hidden_size", 1 << 30),
        field("HeadsDoNotGroup", "num_key_value_heads", 3), field("NoHeads", "num_attention_heads", 0),
        field("EpsIsText", "rms_norm_eps", "small"),
        field("UnknownFamily", "model_type", "llama9", {"llama9", "olmoe"}),
        field("FamilyIsANumber", "model_type", 7), field("AnotherActivation", "hidden_act", "gelu", {"gelu"}),
        field("UnknownDtype", "torch_dtype", "int4"),
        field("NullForADefault", "rms_norm_eps", nullptr, {"null"}), without("NoFamily", "model_type"),
        without("NoVocabulary", "vocab_size"), without("WidthAbsent", "hidden_size"),
        without("LayersAbsent", "num_hidden_layers"), without("HeadsAbsent", "num_attention_heads"),
        literal("Nan", "NaN"), literal("Infinity", "Infinity"), literal("MinusInfinity", "-Infinity"),
        literal("NumberBeyondDouble", "1e999"), literal("Duplicate", R"(1,"rms_norm_eps":1)")),
    name_of);

}  // namespace
}  // namespace moerae::test
