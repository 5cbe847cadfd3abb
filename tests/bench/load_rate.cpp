// Rate of load_weights against read(2) of the same file: Qwen3-30B-A3B's expert sizes in bfloat16, warm page
// cache and cold (POSIX_FADV_DONTNEED). The sides take turns; the best of the rounds counts.
// Usage: load_rate FOLDER [LAYERS = 2, about 1.2 GB each] [ROUNDS = 4]

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>

#include "model/made_checkpoint.hpp"
#include "moerae/base/check.hpp"
#include "moerae/model/load_weights.hpp"

namespace {

using namespace moerae;

class Folder {
 public:
  explicit Folder(std::filesystem::path const& base) {
    auto name = (base / "load-rate-XXXXXX").string();
    validate<DataError>(::mkdtemp(name.data()) != nullptr, "{}: no folder can be made there", base.string());
    path_ = name;
  }
  Folder(Folder const&) = delete;
  Folder& operator=(Folder const&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::filesystem::path const& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

void drop_from_cache(std::filesystem::path const& path) {
  int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  validate<DataError>(
      file >= 0 && ::fdatasync(file) == 0 && ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0,
      "{}: cannot be dropped from the page cache", path.string());
  ::close(file);
}

enum class Into { one_buffer, fresh_memory, fresh_huge_pages };

/// The whole file by read(2), into one buffer again and again or, as a loader must, into memory that was
/// never touched.
std::size_t plain_read(std::filesystem::path const& path, Into into) {
  constexpr std::size_t piece = 4 << 20, page = 2 << 20;
  int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  auto const size = into == Into::one_buffer ? piece : (std::filesystem::file_size(path) / piece + 1) * piece;
  std::unique_ptr<void, decltype(&std::free)> const memory(std::aligned_alloc(page, size), std::free);
  if (into == Into::fresh_huge_pages) ::madvise(memory.get(), size, MADV_HUGEPAGE);
  std::size_t total = 0;
  for (ssize_t got = 1; got > 0; total += static_cast<std::size_t>(got)) {
    got = ::read(file, static_cast<char*>(memory.get()) + (into == Into::one_buffer ? 0 : total), piece);
    validate<DataError>(got >= 0, "{}: cannot be read", path.string());
  }
  ::close(file);
  return total;
}

double rate(auto const& work) {
  auto const start = std::chrono::steady_clock::now();
  auto const bytes = static_cast<double>(work());
  return bytes / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / 1e9;
}

int run(std::filesystem::path const& base, int layers, int rounds) {
  Folder const folder(base);
  auto const file = folder.path() / "model.safetensors";
  nlohmann::json const config = {{"model_type", "qwen3_moe"}, {"vocab_size", 8192},
                                 {"hidden_size", 2048},       {"num_hidden_layers", layers},
                                 {"num_attention_heads", 32}, {"num_key_value_heads", 4},
                                 {"head_dim", 128},           {"num_experts", 128},
                                 {"num_experts_per_tok", 8},  {"moe_intermediate_size", 768},
                                 {"intermediate_size", 6144}};
  std::ofstream(folder.path() / "config.json") << config;
  auto const plan = read_plan(folder.path());
  test::write_safetensors(file, test::made_tensors(plan));
  fmt::print("{:.2f} GB, {} rounds; GB/s\n", static_cast<double>(std::filesystem::file_size(file)) / 1e9,
             rounds);
  bool reached = true;
  for (bool const cold : {false, true}) {
    std::array<double, 3> read{};
    double loaded = 0;
    auto const measure = [&](double& best, auto const& work) {
      if (cold) drop_from_cache(file);
      best = std::max(best, rate(work));
    };
    // what a side leaves behind (free huge pages, a busy disk) helps or hurts the next: the order turns
    for (int turn = 0; turn < 4 * rounds; ++turn) {
      auto const side = static_cast<std::size_t>((turn % 4) * (turn / 4 % 2 == 0 ? 1 : 3) + turn / 4) % 4;
      if (side < 3)
        measure(read[side], [&] { return plain_read(file, static_cast<Into>(side)); });
      else
        measure(loaded, [&] {
          auto const checkpoint = Checkpoint::open(folder.path());
          return load_weights(plan, checkpoint, {torch::kCPU, torch::kBFloat16}, {plan.router().experts})
              .bytes_read;
        });
    }
    fmt::print(
        "{}: load_weights {:.2f}; read(2) into one buffer {:.2f}, fresh memory {:.2f}, fresh huge pages "
        "{:.2f}\n",
        cold ? "cold" : "warm", loaded, read[0], read[1], read[2]);
    reached = reached && loaded >= 0.8 * std::max(read[1], read[2]);
  }
  fmt::print("goal, 0.8 of the better read(2) into fresh memory: {}\n", reached ? "reached" : "missed");
  return reached ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) {
    fmt::print(stderr, "usage: load_rate FOLDER [LAYERS] [ROUNDS]\n");
    return 2;
  }
  return run(argv[1], argc > 2 ? std::atoi(argv[2]) : 2, argc > 3 ? std::atoi(argv[3]) : 4);
} catch (std::exception const& error) {
  fmt::print(stderr, "load_rate: {}\n", error.what());
  return 1;
}
