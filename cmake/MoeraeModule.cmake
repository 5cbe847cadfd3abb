# One target per module, one set of compile options for all of them.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(MOERAE_CCACHE ccache)
if(MOERAE_CCACHE)
  # pch_defines,time_macros: what ccache needs to cache units that use a precompiled header
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${MOERAE_CCACHE})
endif()

add_library(moerae_options INTERFACE)
# include: what another module may include; src: what stays inside, as "module/folder/name.hpp"
target_include_directories(moerae_options INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
target_compile_options(moerae_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
                       $<$<BOOL:${MOERAE_WERROR}>:-Werror>)
target_compile_definitions(moerae_options INTERFACE OMPI_SKIP_MPICXX MPICH_SKIP_MPICXX)
if(MOERAE_SANITIZE)
  target_compile_options(moerae_options INTERFACE -fsanitize=${MOERAE_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(moerae_options INTERFACE -fsanitize=${MOERAE_SANITIZE})
endif()

# moerae_module(name SOURCES a.cpp ... DEPENDS target ...): the library moerae_<name>
function(moerae_module name)
  cmake_parse_arguments(MODULE "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(moerae_${name} STATIC ${MODULE_SOURCES})
  target_link_libraries(moerae_${name} PUBLIC moerae_options ${MODULE_DEPENDS})
endfunction()
