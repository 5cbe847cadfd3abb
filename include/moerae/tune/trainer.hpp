#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "moerae/corpus/corpus.hpp"
#include "moerae/model/schedule/resident.hpp"
#include "moerae/mpi/grid.hpp"
#include "moerae/store/adapters.hpp"
#include "moerae/tune/examples.hpp"
#include "moerae/tune/options.hpp"

namespace moerae {

/// What a training works with, the same on all ranks but for the model. References outlive it.
struct TuneSetting {
  mpi::Comm const& world;
  mpi::Grid const& grid;
  mpi::GroupStatus& group;
  ResidentModel model;
  ModelWeights& weights;  ///< those of `model`: its chosen experts get what is trained
  Corpus const& corpus;
  std::vector<Example> const& examples;
  std::vector<store::ExpertKey> const& chosen;  ///< ascending, of all ranks
  TuneOptions const& options;
  std::uint64_t seed;
};

/// Trains the chosen experts step by step: the same examples in the same order whatever the number of ranks,
/// each on one rank; expert groups make their passes in lockstep, an expert's gradient is summed over the
/// data dimension alone, in order of the groups, so that the same grid gives the same bits.
class Trainer {
 public:
  explicit Trainer(TuneSetting setting);
  ~Trainer();

  /// Steps made so far, 0 .. options.steps.
  [[nodiscard]] std::int64_t steps() const;
  /// One step of the optimiser. Throws the agreed error, Error where loss or gradient is not finite: the
  /// values are then those of the step before. Collective over the world.
  void step();
  /// By name, a value for every step: loss, learn, retain, routing, learning_rate, grad_norm, tokens.
  [[nodiscard]] std::map<std::string, std::vector<double>> const& history() const;

  /// What was trained so far, and with it the state of the optimiser. Whole on the first group's member 0.
  struct Result {
    store::AdapterInfo info;
    store::AdapterTensors tensors;
  };
  [[nodiscard]] Result result(bool with_optimiser) const;  ///< collective over the world
  /// Goes on behind a checkpoint of any grid. Throws DataError where it is of other experts or shapes.
  void restore(store::AdapterReader const& checkpoint);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace moerae
