#include "reduce/resampling/integer_product.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "moerae/base/check.hpp"
#include "reduce/resampling/product_kernels.hpp"

namespace moerae {
namespace {

// Clusters that are taken at once: the weights of some hundred replicates and a block of columns stay in the
// second-level cache.
constexpr std::size_t cached_pairs = 512;

struct Path {
  ProductPath name;
  detail::ProductKernel kernel;
};

std::vector<Path> supported() {
  std::vector<Path> paths{{ProductPath::portable, detail::product_portable}};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) paths.push_back({ProductPath::avx2, detail::product_avx2});
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vnni"))
    paths.push_back({ProductPath::avx512_vnni, detail::product_avx512_vnni});
#endif
  return paths;
}

std::vector<Path> const& paths() {
  static std::vector<Path> const known = supported();
  return known;
}

detail::ProductKernel kernel_of(ProductPath path) {
  auto const found = std::ranges::find(paths(), path, &Path::name);
  expect(found != paths().end(), "this processor cannot run product path {}", static_cast<int>(path));
  return found->kernel;
}

}  // namespace

std::span<ProductPath const> product_paths() {
  static std::vector<ProductPath> const names = [] {
    std::vector<ProductPath> all;
    for (auto const& path : paths()) all.push_back(path.name);
    return all;
  }();
  return names;
}

void integer_product(PackedWeights const& weights, PackedColumns const& columns, std::size_t first,
                     std::size_t n, std::span<std::int64_t> sums, ProductPath path) {
  auto const replicates = weights.replicates();
  expect(weights.clusters() == columns.clusters() && first % column_block == 0 &&
             first + n <= columns.columns() && sums.size() == replicates * n,
         "integer_product: weights [{}, {}], columns [{}, {}], {} sums from column {}", replicates,
         weights.clusters(), columns.clusters(), columns.columns(), sums.size(), first);
  auto const kernel = kernel_of(path);
  // |sum of a pair| <= 2 * 32768 * largest
  auto const safe_pairs =
      static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max() / (65536 * weights.largest()));
  auto const step = std::min(cached_pairs, safe_pairs);
  auto const pairs = (columns.clusters() + 1) / 2;
  std::ranges::fill(sums, 0);
  for (std::size_t begin = 0; begin < pairs; begin += step)
    for (std::size_t e = 0; e < n; e += column_block) {
      auto const block = (first + e) / column_block;
      auto const width = std::min(column_block, n - e);
      for (std::size_t r = 0; r < replicates; r += 8) {
        std::array<std::uint64_t, 8 * column_block> tile{};
        for (int d = 0; d < columns.digits(block); ++d)
          kernel({weights.group(r / 8) + begin * 8, columns.digit(block, d) + begin * 2 * column_block,
                  std::min(step, pairs - begin), 16 * d, tile.data()});
        for (std::size_t i = 0; i < std::min<std::size_t>(8, replicates - r); ++i)
          for (std::size_t j = 0; j < width; ++j) {
            auto& sum = sums[(r + i) * n + e + j];
            sum = static_cast<std::int64_t>(static_cast<std::uint64_t>(sum) + tile[i * column_block + j]);
          }
      }
    }
}

}  // namespace moerae
