#!/usr/bin/env bash
# A Docker Engine of our own, for tests on a machine where none is running.
#
#   scripts/engine.sh install      Debian's docker.io and what it needs, if dockerd is missing
#   scripts/engine.sh start DIR    an engine that keeps everything it has in DIR; prints its socket
#   scripts/engine.sh start DIR apart   the same in a network of its own, for the lab
#   scripts/engine.sh stop DIR     stops that engine and its containers, removes DIR
#
# `start` also imports millrace/busybox:test, so that tests need no registry. DIR must be short: the
# path of a unix socket ends at 107 characters. Where another engine already owns the bridge docker0,
# this one gets a bridge of its own and writes no firewall rules, so that neither disturbs the other:
# its containers talk to this machine and to each other, not to the world. An engine that is apart has
# its bridges and its firewall in a network namespace: its containers talk to each other alone, and
# nothing of it is seen on this machine, nor left.
set -euo pipefail

IMAGE=millrace/busybox:test
ANSWER_SECONDS_MAX=60
STOP_SECONDS_MAX=30

main() {
  case "${1:-} $#" in
    'install 1') install ;;
    'start 2') start "$2" ;;
    'start 3') [ "$3" = apart ] || usage; start "$2" apart ;;
    'stop 2') stop "$2" ;;
    *) usage ;;
  esac
}

usage() {
  sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

# fail WHAT WHY NEXT
fail() {
  printf 'error: %s\n  why   %s\n  next  %s\n' "$1" "$2" "$3" >&2
  exit 1
}

install() {
  ! command -v dockerd >/dev/null || return 0
  command -v apt-get >/dev/null || fail 'no Docker Engine on this machine' \
    'dockerd is missing and this is not a Debian: apt-get is missing too' \
    'install Docker with the tools of this system'
  [ "$(id -u)" = 0 ] || fail 'no Docker Engine on this machine' \
    'dockerd is missing and only root can install it' "sudo $0 install"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    docker.io iptables iproute2 busybox-static >/dev/null
}

# start DIR [apart]
start() {
  local dir socket
  [ "$(id -u)" = 0 ] || fail 'cannot start a Docker Engine' 'only root can' "sudo $0 start $1"
  command -v dockerd >/dev/null || fail 'cannot start a Docker Engine' \
    'dockerd is missing' "$0 install"
  mkdir -p "$1"
  dir=$(cd "$1" && pwd -P)
  socket=$dir/docker.sock
  answers "$socket" || launch "$dir" "$socket" "${2:-}"
  import_image "$socket"
  echo "$socket"
}

# launch DIR SOCKET [apart]
launch() {
  local dir=$1 socket=$2 network=() within=()
  mount_hierarchies
  if [ "$3" = apart ]; then
    within=(unshare --net --mount bash -c "$(declare -f own_cgroup_folder)"'
      own_cgroup_folder && ip link set lo up && exec "$@"' bash)
    echo none >"$dir/bridge"
  elif ip link show docker0 >/dev/null 2>&1; then
    # Not --bridge=none: that deletes docker0 under the other engine.
    network=("--bridge=$(own_bridge "$dir")" --iptables=false)
  else
    iptables -S FORWARD | head -n 1 >"$dir/forward-policy"
    echo docker0 >"$dir/bridge"
  fi
  setsid "${within[@]}" dockerd --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/docker.pid" \
    -H "unix://$socket" "${network[@]}" >"$dir/dockerd.log" 2>&1 </dev/null &
  await_answer "$socket" $! "$dir/dockerd.log"
}

# An engine hears of no OOM kill while a hierarchy of cgroup v1 is in use and mounted nowhere. The machines
# of the lab leave such ones behind.
mount_hierarchies() {
  local all=/sys/fs/cgroup controllers
  [ "$(stat -f -c %T "$all")" = tmpfs ] || return 0
  while IFS=: read -r _ controllers _; do
    case $controllers in '' | name=*) continue ;; esac
    ! grep -q " cgroup [^ ]*,$controllers " /proc/mounts || continue
    mount -o remount,rw "$all"
    mkdir -p "$all/$controllers"
    mount -t cgroup -o "$controllers" cgroup "$all/$controllers"
  done </proc/self/cgroup
}

# Where the hierarchies of cgroup v1 are mounted: the same ones in a folder of its own. Machines that are
# containers add folders and links to it, and one that is no hierarchy misleads the next engine.
own_cgroup_folder() {
  local all=/sys/fs/cgroup own each
  [ "$(stat -f -c %T "$all")" = tmpfs ] || return 0
  own=$(mktemp -d)
  mount -t tmpfs -o mode=755 cgroup "$own"
  for each in "$all"/*; do
    if [ -L "$each" ]; then
      cp -P "$each" "$own/"
    elif mountpoint -q "$each"; then
      mkdir "$own/${each##*/}"
      mount --rbind "$each" "$own/${each##*/}"
    fi
  done
  mount --rbind "$own" "$all"
}

# own_bridge DIR: makes a bridge and prints its name, both derived from DIR.
own_bridge() {
  local number
  number=$(printf %s "$1" | cksum | cut -d' ' -f1)
  echo "mr-$number" >"$1/bridge"
  ip link del "mr-$number" 2>/dev/null || true
  ip link add "mr-$number" type bridge
  ip addr add "10.$((192 + number % 32)).$((number / 32 % 256)).1/24" dev "mr-$number"
  ip link set "mr-$number" up
  echo "mr-$number"
}

answers() {
  node -e '
    const request = require("node:http").get({ socketPath: process.argv[1], path: "/_ping" }, (r) =>
      process.exit(r.statusCode === 200 ? 0 : 1));
    request.on("error", () => process.exit(1)).setTimeout(2000, () => process.exit(1));
  ' "$1"
}

# await_answer SOCKET PID LOG
await_answer() {
  local deadline=$((SECONDS + ANSWER_SECONDS_MAX))
  until answers "$1"; do
    if ! kill -0 "$2" 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; then
      kill "$2" 2>/dev/null || true
      tail -n 20 "$3" >&2
      fail 'the Docker Engine did not start' 'see the end of its log above' "less $3"
    fi
    sleep 0.2
  done
}

# The client that came with the engine: a newer one may refuse to speak its API version.
client() {
  local program=/usr/bin/docker
  [ -x "$program" ] || program=docker
  "$program" -H "unix://$1" "${@:2}"
}

import_image() {
  local busybox rootfs
  client "$1" image inspect "$IMAGE" >/dev/null 2>&1 && return
  busybox=$(command -v busybox) || return 0
  rootfs=$(mktemp -d)
  mkdir -p "$rootfs/bin" "$rootfs/tmp" "$rootfs/etc"
  cp "$busybox" "$rootfs/bin/busybox"
  for applet in $("$busybox" --list); do
    [ "$applet" = busybox ] || ln -s busybox "$rootfs/bin/$applet"
  done
  tar -C "$rootfs" -c . | client "$1" import - "$IMAGE" >/dev/null
  rm -rf "$rootfs"
}

stop() {
  local dir pid deadline
  [ -d "$1" ] || return 0
  dir=$(cd "$1" && pwd -P)
  # Never empty a folder that no engine of ours lived in.
  [ -e "$dir/bridge" ] || fail "will not remove $dir" \
    'this script started no engine there' 'check the folder named'
  if answers "$dir/docker.sock"; then
    client "$dir/docker.sock" ps -aq |
      while read -r container; do client "$dir/docker.sock" rm -f "$container" >/dev/null; done
    client "$dir/docker.sock" network prune -f >/dev/null
  fi
  if pid=$(cat "$dir/docker.pid" 2>/dev/null) && kill -TERM "$pid" 2>/dev/null; then
    deadline=$((SECONDS + STOP_SECONDS_MAX))
    while kill -0 "$pid" 2>/dev/null; do
      [ "$SECONDS" -lt "$deadline" ] || kill -KILL "$pid" 2>/dev/null || true
      sleep 0.2
    done
  fi
  { grep -F " $dir/" /proc/mounts || true; } | cut -d' ' -f2 | sort -r |
    while read -r mount; do umount -l "$mount"; done
  # dockerd leaves its bridge behind, and drops what the machine would forward.
  ip link del "$(cat "$dir/bridge")" 2>/dev/null || true
  if grep -qx -e '-P FORWARD ACCEPT' "$dir/forward-policy" 2>/dev/null; then
    iptables -P FORWARD ACCEPT
  fi
  rm -rf "$dir"
}

main "$@"
