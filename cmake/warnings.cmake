# Everything that our own targets are compiled with; third-party headers are
# reached through imported targets and are not warned about.
add_library(shotfleet_flags INTERFACE)
target_compile_definitions(shotfleet_flags INTERFACE
    _GNU_SOURCE SHOTFLEET_VERSION="${PROJECT_VERSION}")
target_include_directories(shotfleet_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(shotfleet_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes
    -Wmissing-prototypes -Wformat=2 -Wvla -Werror)

if(SHOTFLEET_SANITIZE)
    target_compile_options(shotfleet_flags INTERFACE
        -fsanitize=address,undefined -fno-sanitize-recover=all
        -fno-omit-frame-pointer)
    target_link_options(shotfleet_flags INTERFACE
        -fsanitize=address,undefined)
endif()

if(SHOTFLEET_HARDEN)
    target_compile_options(shotfleet_flags INTERFACE
        -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
        -fstack-clash-protection)
    target_link_options(shotfleet_flags INTERFACE
        -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack)
endif()
target_link_options(shotfleet_flags INTERFACE -Wl,--as-needed)
