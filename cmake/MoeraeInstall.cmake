# Included when all targets exist. The installed program finds the torch that it was linked with by its full path;
# named here, because CMake leaves folders inside the project (.venv) out of link paths.
include(GNUInstallDirs)
if(TARGET moerae)
  set_target_properties(moerae PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON INSTALL_RPATH ${TORCH_INSTALL_PREFIX}/lib)
  install(TARGETS moerae RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY jobs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/moerae/jobs FILES_MATCHING PATTERN "*.ini" PATTERN setup EXCLUDE)
install(DIRECTORY slurm/ DESTINATION ${CMAKE_INSTALL_DATADIR}/moerae/slurm USE_SOURCE_PERMISSIONS)
