# Run at every build: writes OUTPUT only when its text changes, so that a new commit recompiles one small file.
execute_process(COMMAND git rev-parse HEAD WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE commit
                OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed ERROR_QUIET)
set(dirty false)
if(failed)
  set(commit unknown)
else()
  execute_process(COMMAND git status --porcelain --untracked-files=no WORKING_DIRECTORY ${SOURCE}
                  OUTPUT_VARIABLE changes ERROR_QUIET)
  if(changes)
    set(dirty true)
  endif()
endif()
set(text "#include \"moerae/base/build_info.hpp\"

namespace moerae::build_info {
std::string_view const version = \"${VERSION}\";
std::string_view const git_commit = \"${commit}\";
bool const git_dirty = ${dirty};
std::string_view const compiler = \"${COMPILER}\";
std::string_view const build_type = \"${BUILD_TYPE}\";
}  // namespace moerae::build_info
")
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "${text}" @ONLY)
