/**
 * Functions and packages that stand around a call without being its subject: decorators, retries,
 * tracing. They come and go between releases while the bug stays, so their frames are looked
 * through: they reach a key only when a stack holds nothing else.
 */

/** Whole names of functions, without leading underscores. */
const exact = `
wrapper wrapped wrap inner outer decorator decorated decorate deco newfunc new_func new_function
wrapper_func wrapper_function inner_func inner_function closure retry retrying retried call_next
proxy trampoline thunk reraise re_raise raise_from
`;

/** Names with a telling first or last word: `with_retry`, `run_in_transaction`, `timing_wrapper`. */
export const wrapperNamePattern =
  /^(?:with_\w+|(?:call|run)_(?:with|in|within|under)_\w+|wrapped_\w+|\w+_(?:wrapper|decorator|wrapped))$/;

export const wrapperNames: ReadonlySet<string> = new Set(exact.trim().split(/\s+/));

/** Code objects without a name of their own; the function around them says more. */
export const anonymousNames: ReadonlySet<string> = new Set(["<lambda>", "<genexpr>"]);

/** Installed packages whose frames wrap a call of someone else's function. */
export const wrapperPackages: ReadonlySet<string> = new Set([
  "backoff",
  "beartype",
  "ddtrace",
  "decorator",
  "deprecated",
  "deprecation",
  "elasticapm",
  "line_profiler",
  "makefun",
  "memory_profiler",
  "newrelic",
  "opentelemetry",
  "opentracing",
  "retry",
  "retrying",
  "scout_apm",
  "sentry_sdk",
  "six",
  "stamina",
  "tenacity",
  "typeguard",
  "wrapt",
]);

/** Files made up by a decorator library: `<decorator-gen-12>`, `<__array_function__ internals>`. */
export const wrapperFiles: ReadonlySet<string> = new Set([
  "<__array_function__ internals>",
  "<decorator-gen>",
  "<makefun-gen>",
]);
