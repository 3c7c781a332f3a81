# Builds the bundle with every tool, then ships it with its runtime packages only. A test carries out these steps without a container
# engine, and runs what comes of them as it is started here (test/deploy/image.cases.ts).
#   docker build -t portcullis .
#   docker run --network host --read-only --cap-drop ALL --security-opt no-new-privileges \
#     -v "$PWD/etc:/etc/portcullis:ro" -v portcullis:/var/lib/portcullis portcullis
# Host networking, because a media relay hands out thousands of ports. io_uring needs a seccomp profile that allows it; without
# it the relay takes epoll.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsup.config.ts ./
COPY scripts/package ./scripts/package
COPY src ./src
RUN node node_modules/tsup/dist/cli-default.js --silent \
 && rm dist/*.map \
 && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production
RUN install -d -o node -g node /var/lib/portcullis /etc/portcullis
WORKDIR /usr/lib/portcullis
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY bin ./bin
COPY LICENSE ./
USER node
VOLUME /var/lib/portcullis
# SIP over TLS. Ports of media are those of [media].ports; the PBX's side and [admin].address stay inside.
EXPOSE 5061/tcp
# The check asks [admin].address, which has no default. For another than this: -e PORTCULLIS_HEALTH=http://127.0.0.1:9000/healthz
ENV PORTCULLIS_HEALTH=http://127.0.0.1:8080/healthz
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch(process.env.PORTCULLIS_HEALTH).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# SIGTERM drains: calls in progress are served until the drain deadline.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "--max-semi-space-size=32", "--expose-gc", "--invocation-count-for-turbofan=600", "--no-allocation-site-pretenuring", "bin/portcullis.js"]
# One process: the runtime that restarts the container does what a supervisor would. Without --no-supervisor a crash is over sooner.
CMD ["run", "--no-supervisor", "--config", "/etc/portcullis/portcullis.toml"]
