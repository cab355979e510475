/** What `faultline start` tells the person who started it. */
import type { Credentials } from "./credentials.ts";

/** `url`: without a closing slash. */
export function welcome(url: string, { dsn, newToken, file }: Credentials): string {
  const key = dsn === null ? null : new URL(dsn).username;
  const token = newToken ?? `$(sed -n s/^FAULTLINE_TOKEN=//p ${file})`;
  return `Faultline is ready at ${url}

  DSN    ${dsn ?? "none: every key was revoked (faultline project key SLUG)"}
  token  ${newToken === null ? `in ${file} (more: faultline token)` : `${newToken}  (kept in ${file})`}

Send it a crash:
  python3 -X faulthandler -c 'import ctypes; ctypes.string_at(0)' 2> crash.log
  curl --data-binary @crash.log -H 'Authorization: Bearer ${key ?? "KEY"}' ${url}/api/v1/crashes
Read the group it fell into:
  curl -H "Authorization: Bearer ${token}" ${url}/api/v1/groups
Everything else: ${url}/api/docs
`;
}
