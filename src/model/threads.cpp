#include "model/threads.hpp"

#include <sched.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <string_view>
#include <thread>

#include "moerae/mpi/collective.hpp"

namespace moerae {
namespace {

// '1' for every CPU that this process may run on
std::string affinity() {
  std::array<cpu_set_t, 16> sets{};  // 16384 CPUs
  if (::sched_getaffinity(0, sizeof sets, sets.data()) != 0)
    return std::string(std::max(1U, std::thread::hardware_concurrency()), '1');
  std::string out(sets.size() * CPU_SETSIZE, '0');
  for (std::size_t cpu = 0; cpu < out.size(); ++cpu)
    if (CPU_ISSET_S(cpu, sizeof sets, sets.data())) out[cpu] = '1';
  return out.substr(0, out.find_last_of('1') + 1);
}

// "0::/path" of the unified hierarchy
std::filesystem::path own_group() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("0::/")) return line.substr(4);
  return {};
}

double granted_by_slurm() {
  auto const* const value = std::getenv("SLURM_CPUS_PER_TASK");
  std::string_view const text = value ? value : "";
  int count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count > 0 ? count : std::numeric_limits<double>::infinity();
}

}  // namespace

int share_of_cpus(std::vector<std::string> const& allowed, std::size_t self) {
  double share = 0;
  for (std::size_t cpu = 0; cpu < allowed[self].size(); ++cpu) {
    if (allowed[self][cpu] != '1') continue;
    share += 1.0 / static_cast<double>(std::ranges::count_if(
                       allowed, [&](auto const& one) { return cpu < one.size() && one[cpu] == '1'; }));
  }
  constexpr double rounding = 1e-6;  // thirds of three CPUs are one
  return std::max(1, static_cast<int>(share + rounding));
}

double cpu_quota(std::filesystem::path const& root, std::filesystem::path const& group) {
  auto least = std::numeric_limits<double>::infinity();
  for (auto at = group;; at = at.parent_path()) {
    std::ifstream file(root / at / "cpu.max");  // "max 100000" or "<quota> <period>", microseconds
    double quota = 0, period = 0;
    if (file >> quota >> period && quota > 0 && period > 0) least = std::min(least, quota / period);
    if (at.empty()) return least;
  }
}

int threads_of_rank(mpi::Comm const& host) {
  auto const share = share_of_cpus(mpi::gather_all(host, affinity()), static_cast<std::size_t>(host.rank()));
  auto const quota = cpu_quota("/sys/fs/cgroup", own_group()) / host.size();
  return std::max(1, static_cast<int>(std::min({static_cast<double>(share), quota, granted_by_slurm()})));
}

}  // namespace moerae
