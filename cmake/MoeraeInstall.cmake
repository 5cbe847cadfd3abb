# Included when all targets exist. The installed program finds the torch that it was linked with by its full path.
include(GNUInstallDirs)
if(TARGET moerae)
  set_target_properties(moerae PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
  install(TARGETS moerae RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY jobs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/moerae/jobs FILES_MATCHING PATTERN "*.ini")
install(DIRECTORY slurm/ DESTINATION ${CMAKE_INSTALL_DATADIR}/moerae/slurm USE_SOURCE_PERMISSIONS)
