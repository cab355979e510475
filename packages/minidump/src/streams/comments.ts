/** CommentStreamA and CommentStreamW: text that whoever wrote the dump wanted in it (minidumpapiset.h). */
import type { Stream } from "../stream.ts";

/** In UTF-8; what is not becomes U+FFFD. */
export const CommentA: Stream<string> = {
  type: 10,
  read: ({ cursor, file }) => file.document(cursor, "CommentStreamA"),
};

export const CommentW: Stream<string> = {
  type: 11,
  read({ cursor, file }) {
    const { offset, remaining } = cursor;
    return file.fixedUtf16(cursor.bytes(remaining, "CommentStreamW"), "CommentStreamW", offset);
  },
};
