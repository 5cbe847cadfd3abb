#include "keys/expand.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "moerae/keys/values.hpp"

namespace moerae::kind {
namespace {

constexpr char const* name_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

std::string variable(std::string const& name) {
  auto const* const value = std::getenv(name.c_str());
  if (!value || !*value)
    throw BadValue(fmt::format("the variable {} is not set; set it or write the path in full", name));
  return value;
}

std::string with_home(std::string const& path) {
  if (!path.starts_with('~')) return path;
  if (path.size() > 1 && path[1] != '/')
    throw BadValue("only ~ and ~/ are understood, not the home of another user; write the path in full");
  return variable("HOME") + path.substr(1);
}

}  // namespace

std::string expanded(std::string const& path) {
  std::string out;
  std::size_t at = 0;
  for (auto dollar = path.find('$'); dollar != std::string::npos; dollar = path.find('$', at)) {
    out += path.substr(at, dollar - at);
    bool const braced = path.compare(dollar, 2, "${") == 0;
    auto const from = dollar + (braced ? 2 : 1);
    auto const to = std::min(path.find_first_not_of(name_letters, from), path.size());
    if (to == from || (braced && path.compare(to, 1, "}") != 0))
      throw BadValue("'$' starts a variable, $NAME or ${NAME}; write the path in full");
    out += variable(path.substr(from, to - from));
    at = to + (braced ? 1 : 0);
  }
  return with_home(out + path.substr(at));
}

}  // namespace moerae::kind
