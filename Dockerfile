# syntax=docker/dockerfile:1

# --- build: everything, to compile -------------------------------------------------------------
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json ./
COPY src ./src
RUN npm run build

# --- dependencies: what the gateway needs at run time, and nothing else -------------------------
FROM node:20-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev && npm cache clean --force

# --- runtime -----------------------------------------------------------------------------------
FROM node:20-bookworm-slim
# `health` reads the same file as `serve`.
ENV NODE_ENV=production GATEWAY_CONFIG=/etc/gateway/gateway.yaml
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
COPY config ./config
# What `dtmf-check` plays.
COPY test/vectors/dtmf ./test/vectors/dtmf
# CDRs are written here unless the configuration says otherwise; mount a volume.
RUN mkdir /data && chown node:node /data
VOLUME /data
USER node
# 8080 HTTP and WebSocket, 5060 SIP. RTP needs the host's network or a published port range.
EXPOSE 8080/tcp 5060/udp 5060/tcp 5061/tcp
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "dist/cli/main.js", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["serve"]
