import type { ApiToken } from "@faultline/shared";

/** A token, as people tell it from others. */
export const actorOf = ({ label, hint }: ApiToken): string => `${label} (${hint}…)`;
