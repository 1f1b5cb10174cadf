# ft_warnings: the warnings of the house, linked privately by every target of this project.
add_library(ft_warnings INTERFACE)
target_compile_options(ft_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Woverloaded-virtual
  -Wnon-virtual-dtor -Wcast-align -Wcast-qual -Wformat=2 -Werror=format-security -Wimplicit-fallthrough
  -Wextra-semi -Wundef
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wuseless-cast>)
if(FT_WERROR)
  target_compile_options(ft_warnings INTERFACE -Werror)
endif()
if(FT_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # With instrumentation GCC loses sight of initialisations; the plain build checks these two.
  target_compile_options(ft_warnings INTERFACE -Wno-maybe-uninitialized -Wno-stringop-overflow)
endif()
