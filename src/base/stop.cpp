#include "moerae/base/stop.hpp"

#include <fmt/format.h>

#include "moerae/base/check.hpp"

namespace moerae {
namespace {

volatile std::sig_atomic_t received = 0;  // all that a handler may touch

void note(int signal) {
  received = signal;
}

struct sigaction handle(int signal) {
  struct sigaction action {};
  struct sigaction former {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;  // or writes of other libraries would fail with EINTR
  sigemptyset(&action.sa_mask);
  ensure(sigaction(signal, &action, &former) == 0, "sigaction refuses signal {}", signal);
  return former;
}

}  // namespace

StopRequest::StopRequest(std::optional<double> wall_limit) : wall_limit_(wall_limit) {
  struct sigaction current {};
  sigaction(SIGUSR1, nullptr, &current);
  expect(current.sa_handler != note, "a StopRequest exists already; hand that one on");
  received = 0;
  former_usr1_ = handle(SIGUSR1);
  former_term_ = handle(SIGTERM);
}

StopRequest::~StopRequest() {
  sigaction(SIGUSR1, &former_usr1_, nullptr);
  sigaction(SIGTERM, &former_term_, nullptr);
}

bool StopRequest::out_of_time() const {
  return wall_limit_ && std::chrono::duration<double>(Clock::now() - start_).count() >= *wall_limit_;
}

bool StopRequest::requested() const {
  return received != 0 || out_of_time();
}

std::string StopRequest::reason() const {
  if (received != 0) return received == SIGUSR1 ? "SIGUSR1" : "SIGTERM";
  return out_of_time() ? fmt::format("the wall limit of {} s", *wall_limit_) : "";
}

}  // namespace moerae
