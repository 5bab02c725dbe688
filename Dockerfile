# The program as an image: node, its shared libraries, dist and the packages that it needs at run time. No shell, no
# package manager, a user of its own.
#
#   docker build -t slipway .
#   docker run --group-add "$(stat -c %g /var/run/docker.sock)" -v /var/run/docker.sock:/var/run/docker.sock \
#     slipway serve --no-proxy --etcd http://…:2379
#
# Said plainly: whoever has the Docker socket is root on the host. The user `slipway` reaches it only through the
# socket's group, which is the host's and so is given at run time (--group-add, group_add), never built in. The
# controller needs it; `slipway proxy` does not, and must not be given it.
#
# There is no etcd in here: give --etcd. The embedded one is for a machine that has the etcd program.

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY strategies strategies
COPY proxy proxy
COPY deploy deploy
COPY src src
RUN node node_modules/typescript/bin/tsc -p tsconfig.build.json

# The loader itself says which libraries node needs.
FROM node:24-slim AS root
WORKDIR /rootfs
RUN mkdir -p app bin etc tmp usr/local/bin var/lib/slipway \
 && chmod 1777 tmp \
 && cp -L /usr/local/bin/node usr/local/bin/node \
 && LD_TRACE_LOADED_OBJECTS=1 /usr/local/bin/node | grep -o '/[^ ]*\.so[^ ]*' | sort -u | while read -r library; do \
      mkdir -p "/rootfs$(dirname "$library")" && cp -L "$library" "/rootfs$library" || exit 1; \
    done \
 && echo 'slipway:x:10001:10001:slipway:/var/lib/slipway:/sbin/nologin' > etc/passwd \
 && echo 'slipway:x:10001:' > etc/group \
 && echo 'hosts: files dns' > etc/nsswitch.conf \
 && chown 10001:10001 var/lib/slipway \
 && printf '#!/usr/local/bin/node --max-semi-space-size=8\nimport("/app/dist/src/main.js");\n' > usr/local/bin/slipway \
 && chmod 755 usr/local/bin/slipway
COPY --from=packages /app/node_modules app/node_modules
COPY --from=build /app/dist app/dist
COPY package.json LICENSE app/

FROM scratch
COPY --from=root /rootfs /
ENV PATH=/usr/local/bin NODE_ENV=production SLIPWAY_DATA_DIR=/var/lib/slipway
WORKDIR /var/lib/slipway
USER slipway
EXPOSE 8080 9180 9181
# `serve` answers on 9180; `proxy` on 9181, so its healthcheck says so (see docker-compose.yml).
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9180/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Exec form: node is process 1 and gets SIGTERM itself.
ENTRYPOINT ["node", "--max-semi-space-size=8", "/app/dist/src/main.js"]
CMD ["--help"]
