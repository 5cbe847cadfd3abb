#include "moerae/run/ledger.hpp"

#include <fmt/format.h>

namespace moerae::run {

Ledger::Ledger(mpi::Comm const& world, std::filesystem::path run, std::string stage, std::string unit,
               std::int64_t open)
    : mailbox_(world),
      run_(std::move(run)),
      stage_(std::move(stage)),
      progress_(stage_, std::move(unit), static_cast<double>(open)) {
  if (world.rank() == 0) manifest_ = store::Manifest::read(run_);
}

void Ledger::post(std::filesystem::path const& file, std::int64_t amount) {
  mailbox_.post(fmt::format("{} {}", amount, store::line_of(store::make_entry(run_, file, stage_))));
}

void Ledger::enter(std::vector<std::string> const& messages) {
  if (messages.empty()) return;
  std::vector<store::Entry> entries;
  for (auto const& message : messages) {
    auto const blank = message.find(' ');
    amount_ += std::stoll(message.substr(0, blank));
    entries.push_back(store::entry_of(std::string_view(message).substr(blank + 1)));
  }
  manifest_->append(entries);
  progress_.advance_to(static_cast<double>(amount_));
}

}  // namespace moerae::run
