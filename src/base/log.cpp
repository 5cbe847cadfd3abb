#include "moerae/base/log.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <memory>

#include "moerae/base/check.hpp"

namespace moerae {

void start_log(int rank, int ranks) {
  auto console = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  console->set_level(rank == 0 ? spdlog::level::info : spdlog::level::warn);
  auto logger = std::make_shared<spdlog::logger>("moerae", console);
  logger->set_level(spdlog::level::debug);
  logger->set_pattern(ranks > 1 ? fmt::format("%H:%M:%S %l [rank {}] %v", rank) : "%H:%M:%S %l %v");
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(logger);
}

void add_log_file(std::filesystem::path const& folder, int rank) {
  auto const path = folder / fmt::format("rank-{:04d}.log", rank);
  try {
    std::filesystem::create_directories(folder);
    auto file = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.string());
    file->set_pattern("%Y-%m-%dT%H:%M:%S %l %v");
    spdlog::default_logger()->sinks().push_back(file);
  } catch (std::exception const& error) {
    throw Error(fmt::format("{}: the log cannot be opened ({}); choose a run.dir that can be written",
                            path.string(), error.what()));
  }
}

}  // namespace moerae
