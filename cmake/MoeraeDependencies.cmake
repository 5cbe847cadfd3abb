# Every dependency is a package of the system or of the Python environment; jobs/setup.sh installs them.

find_package(MPI REQUIRED COMPONENTS C)
find_package(HDF5 REQUIRED COMPONENTS C HL)  # HL: dimension scales
find_package(Boost REQUIRED COMPONENTS program_options)
find_package(nlohmann_json REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(Threads REQUIRED)

find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
find_path(RANDOM123_INCLUDE_DIR Random123/philox.h REQUIRED)

add_library(moerae_headers INTERFACE)
target_include_directories(moerae_headers SYSTEM INTERFACE ${XXHASH_INCLUDE_DIR} ${RANDOM123_INCLUDE_DIR})
target_link_libraries(moerae_headers INTERFACE nlohmann_json::nlohmann_json fmt::fmt spdlog::spdlog)

add_library(moerae_hdf5 INTERFACE)
target_include_directories(moerae_hdf5 SYSTEM INTERFACE ${HDF5_C_INCLUDE_DIRS})
target_compile_definitions(moerae_hdf5 INTERFACE ${HDF5_C_DEFINITIONS})
target_link_libraries(moerae_hdf5 INTERFACE ${HDF5_C_HL_LIBRARIES} ${HDF5_C_LIBRARIES})

if(MOERAE_TORCH)
  # pip's torch in .venv unless Torch_DIR or CMAKE_PREFIX_PATH name another one
  if(NOT Torch_DIR AND EXISTS ${PROJECT_SOURCE_DIR}/.venv/bin/python)
    execute_process(COMMAND ${PROJECT_SOURCE_DIR}/.venv/bin/python -c
                            "import torch; print(torch.utils.cmake_prefix_path, end='')"
                    OUTPUT_VARIABLE torch_prefix RESULT_VARIABLE torch_failed ERROR_QUIET)
    if(NOT torch_failed)
      list(APPEND CMAKE_PREFIX_PATH ${torch_prefix})
    endif()
  endif()
  find_package(Torch REQUIRED)
  message(STATUS "torch ${Torch_VERSION} in ${TORCH_INSTALL_PREFIX}")
  # torch carries headers of another fmt than the one that spdlog and our library are built with: ours come first
  get_target_property(fmt_include fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
  set(fmt_first ${PROJECT_BINARY_DIR}/fmt_first)
  file(MAKE_DIRECTORY ${fmt_first})
  file(CREATE_LINK ${fmt_include}/fmt ${fmt_first}/fmt SYMBOLIC)
  add_library(moerae_torch INTERFACE)
  target_include_directories(moerae_torch SYSTEM BEFORE INTERFACE ${fmt_first})
  target_link_libraries(moerae_torch INTERFACE moerae_headers ${TORCH_LIBRARIES})
endif()

if(MOERAE_TESTS)
  find_package(GTest REQUIRED)
endif()
