/** Structured logs: one JSON line an event, on standard output. */
import { pino, type Logger } from "pino";

export type { Logger };

export const openLog = (service: string, level: string): Logger => pino({ name: service, level });
