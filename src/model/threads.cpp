#include "moerae/model/threads.hpp"

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

// CPUs that one group grants: "<quota> <period>" in microseconds, "max" or -1 without a limit
double quota_of(std::filesystem::path const& group) {
  double quota = 0, period = 0;
  if (std::ifstream v2(group / "cpu.max"); v2 >> quota >> period && quota > 0 && period > 0)
    return quota / period;
  std::ifstream v1(group / "cpu.cfs_quota_us"), its_period(group / "cpu.cfs_period_us");
  if (v1 >> quota && its_period >> period && quota > 0 && period > 0) return quota / period;
  return std::numeric_limits<double>::infinity();
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

std::vector<std::filesystem::path> cpu_groups(std::istream& membership) {
  std::vector<std::filesystem::path> out;
  for (std::string line; std::getline(membership, line);) {  // id:controllers:/path
    auto const first = line.find(':'), second = line.find(":/", first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    auto const controllers = line.substr(first + 1, second - first - 1);
    auto const path = line.substr(second + 2);
    if (controllers.empty()) out.emplace_back(path);
    if (("," + controllers + ",").find(",cpu,") != std::string::npos)
      out.push_back(std::filesystem::path("cpu") / path);
  }
  return out;
}

double cpu_quota(std::filesystem::path const& root, std::filesystem::path const& group) {
  auto least = std::numeric_limits<double>::infinity();
  for (auto at = group;; at = at.parent_path()) {
    least = std::min(least, quota_of(root / at));
    if (at.empty()) return least;
  }
}

int threads_of_rank(mpi::Comm const& host) {
  auto const share = share_of_cpus(mpi::gather_all(host, affinity()), static_cast<std::size_t>(host.rank()));
  auto quota = std::numeric_limits<double>::infinity();
  std::ifstream membership("/proc/self/cgroup");
  for (auto const& group : cpu_groups(membership))
    quota = std::min(quota, cpu_quota("/sys/fs/cgroup", group) / host.size());
  return std::max(1, static_cast<int>(std::min({static_cast<double>(share), quota, granted_by_slurm()})));
}

}  // namespace moerae
