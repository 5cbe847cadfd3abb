#pragma once

#include <c10/util/Exception.h>

#include <utility>

#include "moerae/base/check.hpp"

namespace moerae {

/// What an exception of torch says to a user: without the stack of C++ calls, and with what to do where
/// memory is short.
[[nodiscard]] inline Error error_of(c10::Error const& torch) {
  std::string const text = torch.what_without_backtrace();
  bool const memory = text.find("can't allocate memory") != std::string::npos;
  return Error(
      fmt::format("{}{}", text.substr(0, text.find('\n')),
                  memory ? "; use more ranks, a larger grid.expert or a smaller record.batch_tokens" : ""));
}

/// Calls `compute` and throws what torch throws as our Error.
template <class Compute>
decltype(auto) with_torch_errors(Compute&& compute) {
  try {
    return std::forward<Compute>(compute)();
  } catch (c10::Error const& torch) {
    throw error_of(torch);
  }
}

}  // namespace moerae
