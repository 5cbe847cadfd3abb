#include "moerae/mpi/mailbox.hpp"

#include <climits>
#include <utility>

#include "moerae/base/check.hpp"
#include "moerae/mpi/collective.hpp"
#include "moerae/mpi/environment.hpp"

namespace moerae::mpi {

Mailbox::~Mailbox() {
  for (auto& message : sent_)
    if (message.request != MPI_REQUEST_NULL) MPI_Request_free(&message.request);
}

void Mailbox::post(std::string message) {
  ++posted_;
  if (comm_.rank() == 0) {
    own_.push_back(std::move(message));
    return;
  }
  while (!sent_.empty()) {  // forget what has arrived
    int done = 0;
    check(MPI_Test(&sent_.front().request, &done, MPI_STATUS_IGNORE), "MPI_Test");
    if (!done) break;
    sent_.pop_front();
  }
  expect(message.size() < INT_MAX, "a message of {} bytes is too long", message.size());
  auto& out = sent_.emplace_back(Sent{std::move(message), MPI_REQUEST_NULL});
  check(MPI_Isend(out.text.data(), static_cast<int>(out.text.size()), MPI_CHAR, 0, 0, comm_.raw(),
                  &out.request),
        "MPI_Isend");
}

std::vector<std::string> Mailbox::collect() {
  auto out = std::exchange(own_, {});
  for (int waiting = comm_.rank() == 0 && !comm_.serial(); waiting;) {
    MPI_Status status;
    check(MPI_Iprobe(MPI_ANY_SOURCE, 0, comm_.raw(), &waiting, &status), "MPI_Iprobe");
    if (!waiting) break;
    int length = 0;
    check(MPI_Get_count(&status, MPI_CHAR, &length), "MPI_Get_count");
    std::string text(static_cast<std::size_t>(length), '\0');
    check(MPI_Recv(text.data(), length, MPI_CHAR, status.MPI_SOURCE, 0, comm_.raw(), MPI_STATUS_IGNORE),
          "MPI_Recv");
    out.push_back(std::move(text));
  }
  received_ += static_cast<std::int64_t>(out.size());
  return out;
}

std::vector<std::string> Mailbox::finish() {
  auto const all = sum(comm_, posted_);
  std::vector<std::string> out;
  while (comm_.rank() == 0 && received_ < all)
    for (auto& text : collect()) out.push_back(std::move(text));
  for (auto& message : sent_) check(MPI_Wait(&message.request, MPI_STATUS_IGNORE), "MPI_Wait");
  sent_.clear();
  return out;
}

}  // namespace moerae::mpi
