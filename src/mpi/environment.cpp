#include "moerae/mpi/environment.hpp"

#include <mpi.h>

#include <string>

#include "moerae/base/check.hpp"

namespace moerae::mpi {

void check(int status, char const* call) {
  if (status == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(status, text, &length);
  throw Error(fmt::format("{} failed ({}): the ranks can not exchange data; see the messages of MPI above",
                          call, std::string(text, static_cast<std::size_t>(length))));
}

Environment::Environment(int& argc, char**& argv) {
  int provided = 0;
  check(MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
}

Environment::~Environment() {
  MPI_Finalize();
}

}  // namespace moerae::mpi
