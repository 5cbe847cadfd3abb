#include "app/context.hpp"

#include "app/options/print.hpp"

namespace moerae {

store::Provenance Context::provenance(std::string schema, Study const& study) const {
  auto out = store::make_provenance(std::move(schema));
  out.command_line = command_line;
  out.config = study_json(study).dump();
  out.seed = study.run.seed;
  out.rank = world.rank();
  out.ranks = world.size();
  return out;
}

}  // namespace moerae
