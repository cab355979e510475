/** What is exported before functions that are not: a walker without symbols names it instead. */
import type { Moment } from "./images.ts";

export const ffiExports: Readonly<Record<string, string>> = {
  ffi_call_unix64: "ffi_prep_go_closure",
  ffi_call_int: "ffi_closure_free",
};
const muslExports: Readonly<Record<string, string>> = {
  get_meta: "aligned_alloc",
  alloc_slot: "malloc",
  __libc_malloc_impl: "malloc",
  __libc_free: "free",
  __timedwait_cp: "sem_timedwait",
  start: "pthread_exit",
};
/** Of glibc's internal functions: what is exported before them. */
export const glibcExports: Readonly<Record<string, string>> = {
  __pthread_kill_implementation: "pthread_key_delete",
  __pthread_kill_internal: "pthread_key_delete",
  __GI_raise: "gsignal",
  __GI_abort: "abort",
  start_thread: "pthread_condattr_setpshared",
  clone3: "__xmknodat",
  __libc_start_call_main: "__libc_init_first",
  __libc_start_main_impl: "__libc_start_main",
  _int_free: "pthread_attr_setschedparam",
  __GI___libc_free: "__libc_free",
  _int_malloc: "__libc_memalign",
  __GI___libc_malloc: "__libc_malloc",
  malloc_printerr: "timer_settime",
  __libc_message: "__libc_fatal",
  unlink_chunk: "__default_morecore",
  malloc_consolidate: "__libc_memalign",
  tcache_get: "__libc_malloc",
  "__assert_fail_base.cold": "abort",
  __assert_fail_base: "__assert_fail",
  __GI___assert_fail: "__assert_fail",
  __futex_abstimed_wait_common64: "pthread_condattr_setpshared",
  __futex_abstimed_wait_cancelable64: "pthread_condattr_setpshared",
  __new_sem_wait_slow64: "sem_unlink",
  "do_futex_wait.constprop.0": "sem_close",
  "__new_sem_wait_slow.constprop.0": "sem_close",
  __GI___poll: "poll",
  __lll_lock_wait: "pthread_mutex_init",
  __GI___pthread_mutex_lock: "pthread_mutex_lock",
  dlopen_doit: "dlinfo",
  __dlopen: "dlopen",
  _dl_catch_exception: "_dl_catch_exception",
  "pthread_cond_timedwait@@GLIBC_2.3.2": "pthread_cond_timedwait",
  __restore_rt: "__sigaction",
};

export function exportedOfLibc(name: string, { system }: Moment): string {
  if (system === "musl") return muslExports[name] ?? name;
  const before = glibcExports[name];
  if (before !== undefined) return before;
  if (!/^__(mem|str)\w+_(evex|avx|sse2|generic|asimd)/.test(name)) return name;
  return system === "aarch64" ? "__xpg_strerror_r" : "__nss_database_lookup";
}
