/**
 * Objects that every process has and that run other people's code: the C and C++ libraries, the
 * loader, the interpreter, the system's own. A crash on a thread without Python frames is named by
 * the first object that is none of them. Keys of objects, without versions and extensions.
 */
const names = `
dyld kernel32 kernelbase ld ld-linux ld-linux-aarch64 ld-linux-x86 ld-musl-aarch64
ld-musl-x86_64 libasan libc libc++ libc++abi libc.musl-aarch64 libc.musl-x86_64 libclang_rt.asan
libdl libffi libgcc_s libm libobjc libpthread libpython librt libstdc++ libsystem_c
libsystem_kernel libsystem_malloc libsystem_platform libsystem_pthread linux-vdso msvcp140 ntdll
ucrtbase vcruntime140 vcruntime140_1 _ctypes _cffi_backend
`;

export const runtimeObjects: ReadonlySet<string> = new Set(names.trim().split(/\s+/));
