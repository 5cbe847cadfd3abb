#pragma once

#include <c10/util/Exception.h>

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

}  // namespace moerae
