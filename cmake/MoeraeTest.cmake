# moerae_test(name SOURCES a.cpp ... DEPENDS target ... [RANKS 1 2 4] [TIMEOUT s]): a GoogleTest program. With RANKS it
# is run under mpirun at each number of ranks; the program's main is tests/mpi_main.cpp then.
include(GoogleTest)

function(moerae_test name)
  cmake_parse_arguments(TEST "" "TIMEOUT" "SOURCES;DEPENDS;RANKS" ${ARGN})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 60)  # a deadlock fails instead of hanging
  endif()
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE moerae_options ${TEST_DEPENDS})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${name} PRIVATE MOERAE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  if(TEST_RANKS)
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/mpi_main.cpp)
    target_link_libraries(${name} PRIVATE moerae_mpi GTest::gtest GTest::gmock)
    # detect_leaks=0: Open MPI leaves memory of its plugins behind, which no suppression can name once they are unloaded
    foreach(ranks ${TEST_RANKS})
      add_test(NAME ${name}@${ranks} COMMAND ${MPIEXEC_EXECUTABLE} -n ${ranks} $<TARGET_FILE:${name}>)
      set_tests_properties(${name}@${ranks} PROPERTIES TIMEOUT ${TEST_TIMEOUT} PROCESSORS ${ranks}
        ENVIRONMENT "OMPI_ALLOW_RUN_AS_ROOT=1;OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1;OMPI_MCA_rmaps_base_oversubscribe=1;OMPI_MCA_hwloc_base_binding_policy=none;OMPI_MCA_mpi_yield_when_idle=1;OMP_NUM_THREADS=1;ASAN_OPTIONS=detect_leaks=0")
    endforeach()
  else()
    target_link_libraries(${name} PRIVATE GTest::gtest_main GTest::gmock)
    gtest_discover_tests(${name} PROPERTIES TIMEOUT ${TEST_TIMEOUT} DISCOVERY_TIMEOUT 60)
  endif()
endfunction()
