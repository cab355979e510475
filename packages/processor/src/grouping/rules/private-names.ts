/**
 * How the private half of a function is called: `_read`, `_do_read`, `read_inner` and `read_v2` do what `read` is asked
 * for. Releases split functions and join them again; their bugs stay.
 */

/** Between a name's leading underscores and its own words. */
export const privatePrefixes = "do inner impl real unwrapped".split(" ");

/** After the name, `read_impl`. */
export const privateSuffixes =
  "impl inner internal locked nolock once unlocked unwrapped wrapped wrapper".split(" ");
