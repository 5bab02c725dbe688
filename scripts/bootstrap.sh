#!/usr/bin/env bash
# Brings what a fresh machine lacks: node_modules (and with it a current Node), an engine, etcd, busybox; then runs
# the command given, under that Node and with an engine up. Installs only what is missing, prints nothing when
# nothing is. Touches no service: what apt would start by itself stays stopped.
#
#   bash scripts/bootstrap.sh [--for-tests | --for-proxy-bench] [COMMAND [ARGUMENT…]]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PATH:/usr/sbin:/sbin"

say() { printf 'bootstrap: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

dependencies_are_current() {
  [[ -x node_modules/.bin/node && -f node_modules/.package-lock.json ]] &&
    [[ ! package-lock.json -nt node_modules/.package-lock.json ]]
}

install_dependencies() {
  has npm || fail 'npm is missing: install Node.js with npm (any version from 20 on), then try again'
  say 'installing the packages of package-lock.json'
  npm ci --include=dev --loglevel=error >&2 || fail 'npm ci failed; its words are above'
  touch node_modules/.package-lock.json
  dependencies_are_current || fail 'npm ci brought no node_modules/.bin/node: were install scripts switched off?'
}

# An engine is wanted only where none can be expected to answer.
needs_engine() { [[ -z "${DOCKER_HOST:-}" && ! -S /var/run/docker.sock ]] && ! has dockerd; }
has_cgroups() { grep -q ' - cgroup' /proc/self/mountinfo 2>/dev/null; }

list_missing_packages() {
  if needs_engine; then
    echo docker.io
    has_cgroups || echo cgroupfs-mount
  fi
  has etcd || echo etcd-server
  has etcdctl || echo etcd-client
  has busybox || echo busybox-static
  if [[ "$purpose" == --for-tests ]]; then
    has docker-registry || echo docker-registry
    has htpasswd || echo apache2-utils
    has openssl || echo openssl
    has ip || echo iproute2
    has docker-compose || echo docker-compose
    has prometheus || echo prometheus
    has faketime || echo faketime
    has slowhttptest || echo slowhttptest
  fi
  if [[ "$purpose" == --for-proxy-bench ]]; then
    has nginx || echo nginx
    has haproxy || echo haproxy
    has caddy || echo caddy
    has wrk || echo wrk
    has slowhttptest || echo slowhttptest
    has taskset || echo util-linux
  fi
}

# Debian's packages start their services when installed; policy-rc.d is Debian's own way to say no.
install_packages() {
  local policy=/usr/sbin/policy-rc.d log=.slipway/apt.log
  has apt-get || fail "missing, and there is no apt-get to install it with: $*"
  [[ "$(id -u)" == 0 ]] || fail "missing, and only root can install it: run 'apt-get install $*' as root, then try again"
  say "installing $*"
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  export DEBIAN_FRONTEND=noninteractive
  if ! { apt-get update && apt-get install -y --no-install-recommends "$@"; } >$log 2>&1 </dev/null; then
    tail -n 20 $log >&2
    fail "apt-get could not install $* (all of its words: $log)"
  fi
  if [[ -n "$(trap -p EXIT)" ]]; then
    rm -f $policy
    trap - EXIT
  fi
}

is_complete() { dependencies_are_current && [[ -z "$(list_missing_packages)" ]]; }

# Two bootstraps at once must not install over each other.
complete() {
  mkdir -p .slipway
  exec 9>.slipway/bootstrap.lock
  if has flock; then flock 9; fi
  dependencies_are_current || install_dependencies
  local packages
  mapfile -t packages < <(list_missing_packages)
  if ((${#packages[@]} > 0)); then install_packages "${packages[@]}"; fi
  exec 9>&-
}

purpose=''
case "${1:-}" in
  --for-tests | --for-proxy-bench)
    purpose=$1
    shift
    ;;
esac
is_complete || complete
if (($# > 0)); then
  export PATH="$PWD/node_modules/.bin:$PATH"
  exec node scripts/with-engine.ts "$@"
fi
