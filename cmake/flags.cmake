# The flag set: everything the compiler knows is probed, so gcc 12 to 14 and clang take what they can.
include(CheckCCompilerFlag)

function(weir_add_flags target scope)
  foreach(flag ${ARGN})
    string(MAKE_C_IDENTIFIER "HAVE${flag}" have)
    check_c_compiler_flag("${flag}" ${have})
    if(${have})
      target_compile_options(${target} ${scope} "${flag}")
    endif()
  endforeach()
endfunction()

add_library(flags INTERFACE)
weir_add_flags(flags INTERFACE
  -Wall -Wextra -Wformat=2 -Wformat-truncation=2 -Wformat-overflow=2 -Wshadow -Wstrict-prototypes
  -Wmissing-prototypes -Wold-style-definition -Wundef -Wvla -Walloca -Wpointer-arith -Wcast-qual -Wwrite-strings
  -Wnull-dereference -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wjump-misses-init
  -Wimplicit-fallthrough -Wswitch-enum -Wconversion -Wsign-conversion -Wdate-time
  -Werror=implicit-function-declaration -Werror=incompatible-pointer-types -Werror=int-conversion
  -Werror=return-type -Werror=format-security -Werror=switch
  -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
  -fno-delete-null-pointer-checks -fno-common -fvisibility=hidden)
target_compile_definitions(flags INTERFACE _GNU_SOURCE WEIR_VERSION="${PROJECT_VERSION}")

if(WERROR)
  target_compile_options(flags INTERFACE -Werror)
endif()
if(SANITIZE)
  target_compile_options(flags INTERFACE -fsanitize=${SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(flags INTERFACE -fsanitize=${SANITIZE})
else()
  # both would hide from the sanitizers what they look for
  weir_add_flags(flags INTERFACE -ftrivial-auto-var-init=zero -fno-strict-overflow)
  target_compile_options(flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3>)
  target_link_options(flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code)
endif()
