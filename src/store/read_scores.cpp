#include <algorithm>
#include <cmath>

#include "moerae/base/check.hpp"
#include "moerae/store/scores.hpp"

namespace moerae::store {
namespace {

class Reader {
 public:
  explicit Reader(File const& file) : file_(file) {
    for (auto const* scale : {"layer", "expert"})
      validate<DataError>(file.has(scale), "{}: no dataset {}, so it is no file of scores",
                          file.path().string(), scale);
    layers_ = file.read<std::int32_t>("layer");
    experts_ = file.shape("expert").front();
  }
  [[nodiscard]] std::vector<std::int32_t> const& layers() const { return layers_; }
  [[nodiscard]] std::uint64_t experts() const { return experts_; }

  [[nodiscard]] std::vector<double> values(std::string const& name,
                                           std::vector<std::uint64_t> const& shape) const {
    validate<DataError>(file_.has(name) && file_.shape(name) == shape,
                        "{}: {} is not there or has not the shape {} of the file's layers and experts",
                        file_.path().string(), name, fmt::join(shape, " x "));
    auto out = file_.read<double>(name);
    validate<DataError>(std::ranges::all_of(out, [](double v) { return std::isfinite(v); }),
                        "{}: {} holds a number that is not finite", file_.path().string(), name);
    return out;
  }
  [[nodiscard]] std::vector<double> per_expert(std::string const& name) const {
    return values(name, {layers_.size(), experts_});
  }

  [[nodiscard]] StoredScore score(std::string const& folder) const {
    auto const at = folder.find('/'), second = folder.find('/', at + 1);
    auto const name = folder + "/score";
    StoredScore out{folder.substr(at + 1, second - at - 1), folder.substr(second + 1),
                    file_.string_attribute(name, "positions"), per_expert(name)};
    if (auto const layer = folder + "/divergence"; file_.has(layer))
      out.divergence = values(layer, {layers_.size()});
    if (file_.has_attribute(name, "test")) out.test = std::make_shared<ScoreTest>(test(folder));
    return out;
  }

 private:
  [[nodiscard]] ScoreTest test(std::string const& folder) const {
    auto const score = folder + "/score";
    auto const number = [&](char const* name) {
      return static_cast<std::size_t>(file_.int_attribute(score, name));
    };
    ScoreTest out{file_.string_attribute(score, "test"), number("units"), number("pairs"), number("movable")};
    if (file_.has_attribute(score, "significance_refused")) {
      out.refused = file_.string_attribute(score, "significance_refused");
      return out;
    }
    out.permutations = file_.int_attribute(score, "permutations");
    out.smallest_p = file_.double_attribute(score, "smallest_p");
    if (file_.has_attribute(score, "lambda")) out.lambda = file_.double_attribute(score, "lambda");
    out.p_adjusted = per_expert(folder + "/p_adjusted");
    out.q = per_expert(folder + "/q");
    return out;
  }

  File const& file_;
  std::vector<std::int32_t> layers_;
  std::uint64_t experts_ = 0;
};

}  // namespace

StoredScores read_scores(std::filesystem::path const& path) {
  auto const file = File::open(path);
  Reader const reader(file);
  StoredScores out{reader.layers(), static_cast<std::int32_t>(reader.experts()), {}};
  constexpr std::string_view start = "contrast/", end = "/score";
  for (auto const& name : file.datasets())
    if (name.starts_with(start) && name.ends_with(end))
      out.scores.push_back(reader.score(name.substr(0, name.size() - end.size())));
  return out;
}

}  // namespace moerae::store
