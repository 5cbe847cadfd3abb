#include "moerae/mpi/agree.hpp"

#include <algorithm>
#include <new>
#include <string>

#include "moerae/base/check.hpp"
#include "moerae/mpi/collective.hpp"

namespace moerae::mpi {
namespace {

// "" = fine, "P" = peer failure, otherwise the exit code, a blank and the message
std::string encode(std::exception_ptr const& error) {
  if (!error) return "";
  try {
    std::rethrow_exception(error);
  } catch (PeerFailure const&) {
    return "P";
  } catch (Error const& e) {
    return fmt::format("{} {}", static_cast<int>(e.code()), e.what());
  } catch (std::bad_alloc const&) {
    return "1 out of memory; use more ranks, a larger grid.expert or smaller batches";
  } catch (std::exception const& e) {
    return fmt::format("1 {}", e.what());
  } catch (...) {
    return "1 unknown failure";
  }
}

}  // namespace

void agree(Comm const& comm, std::exception_ptr const& mine) {
  std::string const text = encode(mine);
  if (maximum(comm, static_cast<int>(!text.empty())) == 0) return;
  auto const all = gather_all(comm, text);
  auto const failed =
      std::count_if(all.begin(), all.end(), [](auto const& t) { return !t.empty() && t != "P"; });
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    if (all[rank].empty() || all[rank] == "P") continue;
    auto const blank = all[rank].find(' ');
    auto const code = static_cast<ExitCode>(std::stoi(all[rank].substr(0, blank)));
    auto message = all[rank].substr(blank + 1);
    bool const everywhere = failed == comm.size() &&
                            std::all_of(all.begin(), all.end(), [&](auto const& t) { return t == all[0]; });
    if (!everywhere) message += fmt::format(" [rank {} of {}", rank, comm.size());
    if (!everywhere && failed > 1) message += fmt::format(", and {} more", failed - 1);
    if (!everywhere) message += "]";
    throw AgreedError(message, code);
  }
  throw AgreedError("a rank reported the failure of another, but none failed");
}

void agree(Comm const& comm, std::function<void()> const& phase) {
  std::exception_ptr mine;
  try {
    phase();
  } catch (...) {
    mine = std::current_exception();
  }
  agree(comm, mine);
}

}  // namespace moerae::mpi
