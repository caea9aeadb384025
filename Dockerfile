# Two stages: the first has the compiler, the second only what runs. Node 22 or newer lets several receivers share a port.
FROM node:22-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc tsconfig.json tsconfig.build.json prisma.config.ts ./
COPY scripts scripts
COPY prisma prisma
COPY src src
# The first builds dist in its prepare script; the second takes out the compiler and the embedded PostgreSQL, which an
# image that is given DATABASE_URL has no use for.
RUN npm ci && npm prune --omit=dev --omit=optional --ignore-scripts

FROM node:22-slim
WORKDIR /app
ENV NODE_ENV=production LOG_FORMAT=json DATA_DIR=/data
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/prisma/migrations prisma/migrations
COPY package.json ./
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8000/udp
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.HTTP_PORT || 3000) + '/health/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# node, not npm: npm would stand between the container's SIGTERM and the drain.
CMD ["node", "dist/cli/main.js", "start"]
