#include "app/status_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/text_table.hpp"
#include "moerae/base/progress.hpp"

namespace moerae {
namespace {

std::string share(run::StageStatus const& one) {
  if (one.total == 0) return "";
  return fmt::format("{}/{} {}", one.done, one.total, one.unit);
}

std::string left_text(run::StageStatus const& one) {
  if (auto const left = one.left()) return format_duration(*left);
  if (one.state == "begun" && one.quiet) return "quiet for " + format_duration(*one.quiet);
  return "";
}

// What an error says first; the whole is in the log and in the other forms.
std::string shortened(std::string text) {
  constexpr std::size_t most = 100;
  text = text.substr(0, text.find('\n'));
  return text.size() > most ? text.substr(0, most - 3) + "..." : text;
}

std::string quoted(std::string const& text) {
  std::string out = "\"";
  for (char const c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string number(std::optional<double> value) {
  return value ? fmt::format("{:.6g}", *value) : "";
}

nlohmann::ordered_json json(std::optional<double> value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

}  // namespace

std::string status_table(std::span<run::StageStatus const> all) {
  TextTable table({"run", "stage", "state", "done", "rate/s", "left", "job", "last error"}, 3, true);
  for (auto const& one : all)
    table.row({one.run, one.stage, one.state, share(one),
               one.complete() || !one.rate ? "" : fmt::format("{:.3g}", *one.rate), left_text(one),
               one.complete() ? "" : one.job, shortened(one.error)});
  auto const complete = std::ranges::count_if(all, &run::StageStatus::complete);
  return table.text() + fmt::format("{} of {} complete\n", complete, all.size());
}

std::string status_csv(std::span<run::StageStatus const> all) {
  std::string text = "run,stage,state,done,total,unit,rate_per_s,left_s,job,error\n";
  for (auto const& one : all)
    text += fmt::format("{},{},{},{},{},{},{},{},{},{}\n", one.run, one.stage, one.state, one.done,
                        one.total ? std::to_string(one.total) : "", one.unit, number(one.rate),
                        number(one.left()), one.job, one.error.empty() ? "" : quoted(one.error));
  return text;
}

std::string status_json(std::span<run::StageStatus const> all) {
  auto rows = nlohmann::ordered_json::array();
  for (auto const& one : all)
    rows.push_back(
        {{"run", one.run},
         {"stage", one.stage},
         {"folder", one.folder},
         {"state", one.state},
         {"done", one.done},
         {"total", one.total ? nlohmann::ordered_json(one.total) : nlohmann::ordered_json(nullptr)},
         {"unit", one.unit},
         {"rate_per_s", json(one.rate)},
         {"left_s", json(one.left())},
         {"job", one.job},
         {"error", one.error}});
  return rows.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace moerae
