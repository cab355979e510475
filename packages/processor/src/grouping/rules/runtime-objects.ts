/**
 * Objects that every process has and that run other people's code: the C and C++ libraries, the
 * loader, the system's own, sanitizers, allocators. No bug is theirs, so none names a group while
 * another object is on the stack. File names as far as their first version or extension.
 */
const names = `
crypt32 dyld gdi32 kernel32 kernelbase ld ld-linux ld-linux-aarch64 ld-linux-armhf
ld-linux-x86-64 ld-musl-aarch64 ld-musl-x86_64 libasan libatomic libc libc++ libc++abi
libc.musl-aarch64 libc.musl-x86_64 libc_malloc_debug libcompiler_rt libcxxrt libdispatch libdl
libffi libgcc_s libhwasan libjemalloc liblsan libm libmimalloc libmsan libobjc libpthread librt
libstdc++ libsystem_c libsystem_kernel libsystem_malloc libsystem_platform libsystem_pthread
libtcmalloc libtcmalloc_minimal libtsan libubsan libunwind linux-gate linux-vdso msvcp140 msvcp_win
msvcrt ntdll ucrtbase ucrtbased user32 vcruntime140 vcruntime140_1 vdso vsyscall win32u ws2_32
`;
export const runtimeNames: readonly string[] = names.trim().split(/\s+/);

/** Families of them. */
export const runtimePatterns: readonly RegExp[] = [
  /^api-ms-win-/,
  /^(?:lib)?clang_rt\b/,
  /^(?:lib)?system_/,
];

/** What holds the interpreter: a shared library, a static executable, a framework, a debug build. */
export const interpreterFile =
  /^(?:lib)?(?:python|pypy|graalpy)[\d.]*(?:-c)?[tdmu_]*(?:\.(?:so|dll|dylib|exe)(?:\.[\d.]+)?)?$|^pythonw?[\d.]*\.exe$/;
