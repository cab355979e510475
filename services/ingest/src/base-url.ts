import type { FastifyRequest } from "fastify";

/** Where this service is reached, without a closing slash: as configured, else as this request did. */
export const baseUrl = (configured: string | null, request: FastifyRequest): string =>
  configured ?? `${request.protocol}://${request.host}`;
