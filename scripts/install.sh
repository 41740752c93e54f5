#!/bin/sh
# The services of the package on a host that has only this clone: the same units, pointing here.
#
#   sudo scripts/install.sh               install or, after a pull, upgrade; the agent restarts in place
#   sudo scripts/install.sh --uninstall   what runs on this host runs on, and the state stays
#
# With DESTDIR the files go below that folder, and nothing is enabled or started.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd -P)
node=$root/node_modules/.bin/node
dest=${DESTDIR:-}
units=$dest/etc/systemd/system

# fail WHAT WHY NEXT
fail() {
  printf 'error: %s\n  why   %s\n  next  %s\n' "$1" "$2" "$3" >&2
  exit 2
}

main() {
  [ $# -le 1 ] || fail 'too many words' 'it takes --uninstall or nothing' 'sudo scripts/install.sh'
  [ -n "$dest" ] || require_system
  case ${1:-} in
    '') require_clone && install_all ;;
    --uninstall) uninstall ;;
    *) fail "there is no option $1" 'it takes --uninstall or nothing' 'sudo scripts/install.sh' ;;
  esac
}

require_system() {
  [ "$(id -u)" = 0 ] || fail 'this needs root' 'it writes units of systemd' 'sudo scripts/install.sh'
  [ -d /run/systemd/system ] ||
    fail 'systemd does not run here' 'the agent is made a service of systemd' "run it by hand: npx agentd"
  [ ! -e /usr/lib/systemd/system/agentd.service ] ||
    fail 'the package is installed here' 'both would be the service agentd' 'sudo apt remove millrace'
}

require_clone() {
  case $root in
    # With DESTDIR it is only written down.
    /home/* | /root | /root/* | /run/user/*)
      [ -n "$dest" ] || fail "the clone is in $root" 'the service sees no home folders' "sudo mv '$root' /opt/millrace" ;;
    *[!A-Za-z0-9/._-]*)
      fail "the clone is in '$root'" 'a unit cannot name such a path' "sudo mv '$root' /opt/millrace" ;;
  esac
  [ -x "$node" ] ||
    fail 'the packages are not installed' 'there is no node_modules/.bin/node' 'node scripts/setup.js'
}

install_all() {
  mkdir -p "$units" "$dest/etc/millrace" "$dest/etc/sysusers.d" "$dest/etc/tmpfiles.d"
  # The package's program is this clone under its own Node; there are no man pages.
  program="$node --max-semi-space-size=2 --disable-warning=ExperimentalWarning $root/node/main.ts"
  for unit in agentd agentd-guard; do
    sed "s#^ExecStart=/usr/bin/agentd#ExecStart=$program#; /^Documentation=/d" \
      "$root/scripts/package/files/$unit.service" >"$units/$unit.service"
  done
  cp "$root/scripts/package/files/sysusers.conf" "$dest/etc/sysusers.d/millrace.conf"
  cp "$root/scripts/package/files/tmpfiles.conf" "$dest/etc/tmpfiles.d/millrace.conf"
  [ -e "$dest/etc/millrace/agent.yaml" ] || settings >"$dest/etc/millrace/agent.yaml"
  [ -z "$dest" ] || return 0
  systemd-sysusers millrace.conf
  systemd-tmpfiles --create millrace.conf
  setpriv --reuid=millrace --regid=millrace --clear-groups test -r "$root/node/main.ts" ||
    fail "the user millrace cannot read $root" 'the service runs as it' "sudo chmod -R a+rX '$root'"
  systemctl daemon-reload
  systemctl enable --quiet agentd-guard.service agentd.service
  # A guard that restarts ends the strict instances; the old one goes on until the machine starts anew.
  systemctl start agentd-guard.service
  systemctl restart agentd.service
  echo "the agent runs, and starts with this machine. On the first host: sudo npx agentctl cluster init"
}

settings() {
  "$node" --input-type=module \
    -e "import { settingsFile } from '$root/node/settings-file.ts'; process.stdout.write(settingsFile())"
}

uninstall() {
  if [ -z "$dest" ]; then
    systemctl disable --quiet --now agentd.service agentd-guard.service || true
  fi
  rm -f "$units/agentd.service" "$units/agentd-guard.service" \
    "$dest/etc/sysusers.d/millrace.conf" "$dest/etc/tmpfiles.d/millrace.conf"
  if [ -z "$dest" ]; then
    systemctl daemon-reload
    echo 'what runs on this host runs on; /etc/millrace and /var/lib/millrace are left'
  fi
}

main "$@"
