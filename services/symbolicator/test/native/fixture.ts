/** One library in halves that complete each other (see fixtures/make.sh), and what is known of it with all of them. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { NativeLinks } from "@faultline/shared";

export const fixturePath = (name: string): string =>
  fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
export const fixture = (name: string): Buffer => readFileSync(fixturePath(name));
export const sha256 = (bytes: Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex");

export const quartet = {
  files: ["quartet.so", "quartet.debug", "quartet.sup", "quartet.dwp"],
  buildId: "76812b277c612b022b05aae9f6a9476ad7dea17a",
  debugId: "272B8176617C022B2B05AAE9F6A9476A0",
  supplementId: "0123456789abcdef0123456789abcdef01234567",
  unit: "bd9a742562fafe7d",
} as const;

/** Of a file that names no other. */
export const noLinks: NativeLinks = {
  debugLink: null,
  debugLinkCrc: null,
  altLink: null,
  altLinkBuildId: null,
  providedUnits: [],
  wantedUnits: [],
};
