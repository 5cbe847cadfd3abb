#include "moerae/store/provenance.hpp"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <ctime>

#include "moerae/base/build_info.hpp"
#include "moerae/base/check.hpp"

namespace moerae::store {

std::string utc_now() {
  auto const now = std::time(nullptr);
  std::tm utc{};
  ensure(gmtime_r(&now, &utc) != nullptr, "the clock gives no date");
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

Provenance make_provenance(std::string schema) {
  Provenance made;
  made.schema = std::move(schema);
  made.created_utc = utc_now();
  made.version = build_info::version;
  made.git_commit = build_info::git_commit;
  made.git_dirty = build_info::git_dirty;
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) == 0) made.host = host.data();
  if (auto const* const job = std::getenv("SLURM_JOB_ID")) made.slurm_job = job;
  return made;
}

nlohmann::ordered_json to_json(Provenance const& p) {
  nlohmann::ordered_json json = {{"schema", p.schema},
                                 {"schema_version", p.schema_version},
                                 {"created_utc", p.created_utc},
                                 {"version", p.version},
                                 {"git_commit", p.git_commit},
                                 {"git_dirty", p.git_dirty},
                                 {"command_line", p.command_line},
                                 {"config", nullptr},
                                 {"model_id", p.model_id},
                                 {"weights_hash", p.weights_hash},
                                 {"tokenizer_hash", p.tokenizer_hash},
                                 {"stage_hash", p.stage_hash},
                                 {"seed", p.seed}};
  if (!p.config.empty()) json["config"] = nlohmann::ordered_json::parse(p.config);
  if (p.shard) json["shard"] = *p.shard;
  if (p.shards) json["shards"] = *p.shards;
  json["rank"] = p.rank;
  json["ranks"] = p.ranks;
  json["grid"] = p.grid;
  json["host"] = p.host;
  json["slurm_job"] = p.slurm_job;
  json["prompt_equivalent"] = p.prompt_equivalent;
  return json;
}

void write_provenance(File& file, Provenance const& provenance) {
  auto const json = to_json(provenance);  // named: items() only refers to it
  for (auto const& [name, value] : json.items()) {
    if (name == "config") {
      file.set_attribute("/", name, provenance.config);
    } else if (name == "seed") {
      // seeds are 64 bits without sign, attributes 64 with: the bits are kept
      file.set_attribute("/", name, static_cast<std::int64_t>(provenance.seed));
    } else if (value.is_string()) {
      file.set_attribute("/", name, value.get<std::string>());
    } else {
      file.set_attribute("/", name,
                         value.is_boolean() ? std::int64_t{value.get<bool>()} : value.get<std::int64_t>());
    }
  }
  if (provenance.prompt_equivalent)
    file.set_attribute(
        "/", "privacy",
        std::string("as sensitive as the prompts and replies: text can be rebuilt from routing"));
}

void mark_complete(File& file) {
  file.set_attribute("/", "complete", std::int64_t{1});
}

}  // namespace moerae::store
