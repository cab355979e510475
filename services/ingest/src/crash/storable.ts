/** Text as Postgres can hold it: no NUL (neither text nor jsonb has one) and no half of a surrogate pair. */
export const storable = (text: string): string => text.toWellFormed().replaceAll("\0", "\u{fffd}");
