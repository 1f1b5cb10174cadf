# ft_library(NAME SOURCES...): a static library of one layer. Includes are relative to the root of the project.
# Without sources it is an interface only, so that a layer can be linked before it has code.
function(ft_library name)
  if(ARGN)
    add_library(${name} STATIC ${ARGN})
    target_link_libraries(${name} PRIVATE ft_warnings)
  else()
    add_library(${name} INTERFACE)
  endif()
  ft_scope(${name} scope)
  target_include_directories(${name} ${scope} ${PROJECT_SOURCE_DIR})
endfunction()

# The widest scope that a target of this kind can link with: PUBLIC, or INTERFACE where it has no sources.
function(ft_scope name result)
  get_target_property(type ${name} TYPE)
  if(type STREQUAL "INTERFACE_LIBRARY")
    set(${result} INTERFACE PARENT_SCOPE)
  else()
    set(${result} PUBLIC PARENT_SCOPE)
  endif()
endfunction()

# ft_link(NAME LIBRARIES...): libraries that the users of NAME see too.
function(ft_link name)
  ft_scope(${name} scope)
  target_link_libraries(${name} ${scope} ${ARGN})
endfunction()

# ft_link_private(NAME LIBRARIES...): libraries whose headers stay inside NAME.
function(ft_link_private name)
  ft_scope(${name} scope)
  if(scope STREQUAL "PUBLIC")
    set(scope PRIVATE)
  endif()
  target_link_libraries(${name} ${scope} ${ARGN})
endfunction()

# ft_program(NAME MAIN LIBRARIES...): a program of one file on top of libraries.
function(ft_program name main)
  if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${main})
    return()
  endif()
  add_executable(${name} ${main})
  target_link_libraries(${name} PRIVATE ft_warnings ${ARGN})
endfunction()

# ft_unit_tests(NAME LIBRARY SOURCES...): a doctest runner, registered with ctest under the label "unit".
function(ft_unit_tests name library)
  if(NOT ARGN)
    return()
  endif()
  add_executable(${name} ${PROJECT_SOURCE_DIR}/tests/support/runner.cpp ${ARGN})
  target_link_libraries(${name} PRIVATE ft_warnings ${library})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  add_test(NAME ${name} COMMAND ${name} --no-version)
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 900)
endfunction()
