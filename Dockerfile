# The faultline command with everything it needs but services: run it as `ingest`, `symbolicator` or `migrate`.
# Postgres is not in it (`faultline start` is for machines without containers): see docker-compose.yml.

# Only the manifests, so that a change of code does not install everything again.
FROM node:24-slim AS manifests
WORKDIR /app
COPY package.json package-lock.json ./
COPY packages packages
COPY services services
RUN find packages services -type f ! -name package.json -delete

FROM node:24-slim
WORKDIR /app
COPY --from=manifests /app ./
# Optional are the programs that `faultline start` brings: a Postgres, and a Node for machines with an older one.
RUN npm ci --omit=dev --omit=optional && npm cache clean --force \
 && ln -s /app/packages/cli/bin/faultline.cjs /usr/local/bin/faultline \
 && mkdir -p /data/blobs /data/spool && chown -R node:node /data
COPY migrations migrations
COPY packages packages
COPY services services

ENV NODE_ENV=production FAULTLINE_BLOBS=/data/blobs FAULTLINE_SPOOL=/data/spool
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 8080}/livez`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["faultline"]
CMD ["ingest"]
