/** Where clients put their key or token. */
import type { FastifyRequest } from "fastify";

/**
 * `Authorization: Bearer SECRET`, or Basic with the secret as user, as a client makes it of a DSN
 * (http://KEY@host/1); null when there is neither.
 */
export function secretOf(request: FastifyRequest): string | null {
  const header = request.headers.authorization;
  if (header === undefined) return null;
  const [, scheme = "", value = ""] = /^(\w+) +(\S+)\s*$/.exec(header) ?? [];
  switch (scheme.toLowerCase()) {
    case "bearer":
      return value;
    case "basic":
      return Buffer.from(value, "base64").toString("latin1").split(":", 1)[0] || null;
    default:
      return null;
  }
}
