# The sidecar as a container. The RUN steps are those of scripts/container-build.sh, which a test runs.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY . .
RUN scripts/container-build.sh install
RUN scripts/container-build.sh build
RUN scripts/container-build.sh prune

# glibc 2.34 or later for RocksDB's binding, which also needs libatomic; never Alpine.
FROM node:24-bookworm-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends libatomic1 \
  && rm -rf /var/lib/apt/lists/*
LABEL org.opencontainers.image.title="Outrigger" \
  org.opencontainers.image.description="Exactly-once stream processing on plain Kafka, as a sidecar" \
  org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=build /app/package.json /app/LICENSE /app/NOTICE ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dev-broker ./dev-broker
COPY --from=build /app/dist ./dist
RUN mkdir /state && chown 65532:65532 /state
ENV NODE_ENV=production OUTRIGGER_STATE_DIR=/state
VOLUME /state
USER 65532:65532
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "--enable-source-maps", "dist/src/main.js"]
CMD ["run"]
