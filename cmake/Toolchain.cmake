# Compiler cache, linker, link-time optimisation, hardening and sanitizers: everything that is set for all targets at once.
include(CheckPIESupported)
check_pie_supported()

find_program(FT_CCACHE ccache)
if(FT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${FT_CCACHE})
endif()

if(FT_FAST_LINK)
  find_program(FT_MOLD ld.mold)
  find_program(FT_LLD ld.lld)
  if(FT_MOLD)
    add_link_options(-fuse-ld=mold)
  elseif(FT_LLD)
    add_link_options(-fuse-ld=lld)
  endif()
endif()

if(FT_LTO)
  include(CheckIPOSupported)
  check_ipo_supported()
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
endif()

if(FT_HARDEN)
  add_compile_options(-fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
                      -D_GLIBCXX_ASSERTIONS)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    add_compile_options(-fcf-protection=full)
  endif()
  add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()

if(FT_SANITIZE)
  add_compile_options(-fsanitize=${FT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${FT_SANITIZE})
  if(FT_SANITIZE MATCHES undefined)
    # The check of object types opens a pipe to probe memory, so it reports wrongly in a process that is out of descriptors,
    # which is a state that is tested.
    add_compile_options(-fno-sanitize=vptr)
  endif()
endif()

if(FT_FUZZ)
  # All code tells the fuzzer which ways it took; only the fuzzers link its engine.
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()
