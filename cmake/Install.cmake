# cmake --install: programs, configuration, unit, user, man pages and completions, as far as they exist.
# The folders of the system (/etc) and the paths inside the unit follow the prefix that is chosen at install time.
include(GNUInstallDirs)

foreach(program ftpd ftpc ftpd-exec)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()

foreach(section 1 5 7 8)
  file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.${section})
  if(pages)
    install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
  endif()
endforeach()

file(GLOB completions CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/config/completions/*.bash)
foreach(completion ${completions})
  get_filename_component(program ${completion} NAME_WE)
  install(FILES ${completion} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ${program})
endforeach()

install(CODE "set(FT_SOURCE \"${PROJECT_SOURCE_DIR}\")\nset(FT_BUILD \"${PROJECT_BINARY_DIR}\")")
install(SCRIPT ${PROJECT_SOURCE_DIR}/cmake/InstallService.cmake)
