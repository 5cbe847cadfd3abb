#include "model/weights_hash.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "moerae/base/check.hpp"
#include "moerae/mpi/collective.hpp"

namespace moerae {

std::string combine_hashes(mpi::Comm const& group, std::map<std::string, std::string> const& mine) {
  std::string lines;
  for (auto const& [name, hash] : mine) lines += name + " " + hash + "\n";
  std::set<std::string> sorted;
  for (auto const& part : mpi::gather_all(group, lines)) {
    std::istringstream stream(part);
    for (std::string line; std::getline(stream, line);) sorted.insert(line);
  }
  std::string all;
  for (auto const& line : sorted) all += line + "\n";
  auto const hash = XXH3_128bits(all.data(), all.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace moerae
