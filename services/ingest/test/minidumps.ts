/** Minidumps that tests send. */
import { randomBytes } from "node:crypto";
import { synthMinidump } from "@faultline/testkit";

/** A dump like no other: a stream that nobody reads. */
export const oneDump = (bytes = 32): Buffer =>
  Buffer.from(synthMinidump().stream(1, randomBytes(bytes)).finish());
