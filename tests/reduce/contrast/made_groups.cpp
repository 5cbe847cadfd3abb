#include "reduce/contrast/made_groups.hpp"

#include <algorithm>
#include <cmath>

#include "moerae/base/random.hpp"

namespace moerae::test {
namespace {

double uniform(std::uint64_t seed, std::uint32_t stream, std::size_t a, std::size_t b) {
  auto const bits = random_bits(seed, stream, static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b));
  return std::ldexp(static_cast<double>(bits), -64);
}

void fill(UsageTable& table, bool in_a, MadeGroupsOptions const& o, MadeRate const& rate) {
  auto const size = table.space.size();
  for (std::size_t c = 0; c < table.clusters.size(); ++c) {
    auto const id = static_cast<std::size_t>(table.clusters[c]);
    auto const chance = uniform(o.seed, 900, id, 0);
    bool const pair = table.clusters[c] < 100 + o.pairs;
    auto const skewed = pair ? chance : in_a ? chance * chance : std::sqrt(chance);
    table.topic[c] = static_cast<std::int32_t>(skewed * o.topics);
    table.tokens[c] = 20 + static_cast<std::int64_t>(40 * uniform(o.seed, 901, id, in_a));
    table.length[c] = table.tokens[c];
    for (std::size_t e = 0; e < size; ++e) {
      auto const p = rate({in_a, table.clusters[c], table.topic[c], e});
      auto const noise = .2 * (uniform(o.seed, in_a ? 902U : 903U, id, e) - .5);
      auto const share = std::clamp(p * (1 + noise), 0.0, 1.0);
      table.count[c * size + e] = std::llround(share * static_cast<double>(table.tokens[c]));
      table.mass[c * size + e] = table.count[c * size + e] << 30;
    }
  }
}

SameToken::Rows deviations(UsageTable const& table, Group const& a, Group const& b) {
  SameToken::Rows out{table.tokens, {}};
  auto const tokens = static_cast<double>(a.total.tokens + b.total.tokens);
  auto const size = table.space.size();
  for (std::size_t i = 0; i < table.count.size(); ++i) {
    auto const share = static_cast<double>(a.total.count[i % size] + b.total.count[i % size]) / tokens;
    auto const due = share * static_cast<double>(table.tokens[i / size]);
    out.sum.push_back(std::llround((static_cast<double>(table.count[i]) - due) / same_token_unit));
  }
  return out;
}

using Values = std::vector<std::int64_t>;

Values reordered(Values const& values, std::vector<std::size_t> const& order) {
  Values out(values.size());
  auto const experts = order.size();
  for (std::size_t i = 0; i < values.size(); ++i) out[i / experts * experts + order[i % experts]] = values[i];
  return out;
}

UsageTable reordered(UsageTable table, std::vector<std::size_t> const& order) {
  table.count = reordered(table.count, order);
  table.mass = reordered(table.mass, order);
  return table;
}

}  // namespace

MadeGroups made_groups(ExpertSpace const& space, MadeGroupsOptions const& o, MadeRate const& rate) {
  std::vector<std::int64_t> in_a, in_b;
  for (std::int64_t i = 0; i < o.pairs; ++i) {
    in_a.push_back(100 + i);
    in_b.push_back(100 + i);
  }
  for (std::int64_t i = 0; i < o.alone; ++i) {  // one group after the other, b first: by id, not by group
    in_a.push_back(100 + o.pairs + 2 * i + 1);
    in_b.push_back(100 + o.pairs + 2 * i);
  }
  MadeGroups out{UsageTable("a", space, in_a), UsageTable("b", space, in_b), {}, {}};
  fill(out.a, true, o, rate);
  fill(out.b, false, o, rate);
  Group const a(out.a), b(out.b);
  out.same = {deviations(out.a, a, b), deviations(out.b, a, b)};
  out.same_turned = {out.same.b, out.same.a};
  return out;
}

MadeGroups relabelled(MadeGroups const& groups, std::vector<std::size_t> const& order) {
  MadeGroups out{reordered(groups.a, order), reordered(groups.b, order), {}, {}};
  out.same = {{groups.same.a.tokens, reordered(groups.same.a.sum, order)},
              {groups.same.b.tokens, reordered(groups.same.b.sum, order)}};
  out.same_turned = {out.same.b, out.same.a};
  return out;
}

}  // namespace moerae::test
