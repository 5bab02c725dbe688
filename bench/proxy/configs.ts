// The peers' configurations, as somebody who knows them would write them for this task: one worker, connections to the
// backend kept alive, no access log, nothing spooled to the disk, the client's address passed on.

interface Ways {
  /** For pid files and the like. */
  readonly folder: string;
  readonly port: number;
  readonly backend: number;
}

/** Kept alive by clients and backends alike for longer than anything here takes. */
const IDLE_SECONDS = 300;
const REQUESTS_PER_CONNECTION = 100_000_000;

export function configureNginx({ folder, port, backend }: Ways): string {
  return wrapNginx(
    folder,
    `
  upstream backend {
    server 127.0.0.1:${backend};
    keepalive 256;
    keepalive_requests ${REQUESTS_PER_CONNECTION};
  }
  # An empty Connection keeps the backend's connection alive.
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    client_max_body_size 0;
    location / {
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
    }
  }`,
  );
}

/** What the proxies stand before: files of four sizes, one of them in chunks, and what takes a body whole before it answers. */
export function configureFiles({ folder, port }: Omit<Ways, 'backend'>): string {
  return wrapNginx(
    folder,
    `
  open_file_cache max=100 inactive=1h;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    root ${folder};
    location / { sendfile on; }
    # Nothing is in it to be replaced: but what could be has no length beforehand.
    location /chunked { ssi on; ssi_types *; output_buffers 8 2k; }
    location = /upload { proxy_method GET; proxy_set_body ''; proxy_pass http://127.0.0.1:${port}/small; }
  }`,
  );
}

function wrapNginx(folder: string, http: string): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
daemon off;
user root;
worker_processes 1;
worker_rlimit_nofile 16384;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 8192; }
http {
  access_log off;
  default_type application/octet-stream;
  keepalive_timeout ${IDLE_SECONDS}s;
  keepalive_requests ${REQUESTS_PER_CONNECTION};
${kinds.map((kind) => `  ${kind}_temp_path ${folder}/${kind};`).join('\n')}
${http}
}
`;
}

export function configureHaproxy({ port, backend }: Ways): string {
  return `
global
  nbthread 1
  maxconn 8000
defaults
  mode http
  timeout connect 5s
  timeout client ${IDLE_SECONDS}s
  timeout server ${IDLE_SECONDS}s
  timeout tunnel ${IDLE_SECONDS}s
  timeout http-keep-alive ${IDLE_SECONDS}s
  http-reuse always
  option forwardfor
frontend proxy
  bind 127.0.0.1:${port} backlog 4096
  http-request set-header X-Forwarded-Proto http
  default_backend backend
backend backend
  server backend 127.0.0.1:${backend}
`;
}

export function configureCaddy({ port, backend }: Ways): string {
  return `
{
  admin off
  auto_https off
  log {
    level ERROR
  }
}
http://:${port} {
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:${backend} {
    transport http {
      versions 1.1
      keepalive_idle_conns_per_host 256
      compression off
    }
  }
}
`;
}

/** One service, on every host. */
export function configureSlipway(backend: number): string {
  const targets = [{ revision: 1, address: `127.0.0.1:${backend}` }];
  return JSON.stringify({ version: 1, services: { web: { routes: [{}], split: { 1: 100 }, targets } } });
}
