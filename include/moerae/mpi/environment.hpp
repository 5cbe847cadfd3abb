#pragma once

namespace moerae::mpi {

/// MPI for the life of the program (MPI_Init_thread with MPI_THREAD_FUNNELED). One, in main, outermost.
class Environment {
 public:
  Environment(int& argc, char**& argv);
  Environment(Environment const&) = delete;
  Environment& operator=(Environment const&) = delete;
  ~Environment();
};

/// Throws Error unless `status` is MPI_SUCCESS; `call` names the MPI function.
void check(int status, char const* call);

}  // namespace moerae::mpi
