#!/usr/bin/env bash
# What scripts/test asks apt-get for: the Clang whose OpenMP is there, and never to remove a package.
set -euo pipefail
# shellcheck source=scripts/lib/setup.sh
source "$1/scripts/lib/setup.sh"

there=""
dpkg-query() { printf '%s\n' "$there"; }
apt-get() { :; }

expect_clang() {
  there=$1
  local got
  got=$(clang_version 2> /dev/null) || got=refused
  if [ "$got" != "$2" ]; then
    echo "with \"$1\": expected Clang $2, got $got"
    exit 1
  fi
}
expect_clang "" 16
expect_clang "libomp-dev installed" 16
expect_clang "libomp-14-dev not-installed" 16
expect_clang "libomp-14-dev installed" 14
expect_clang "libomp-19-dev installed" 19
expect_clang "libomp-11-dev installed" refused

# install_missing calls apt-get by `env`, as root or through sudo.
there=""
called=$(mktemp)
trap 'rm -f "$called"' EXIT
env() { printf '%s\n' "$*" >> "$called"; }
sudo() { [ "$1" = -n ] || env "$@"; }
install_missing some-package 2> /dev/null
if ! grep -q 'install .*some-package' "$called" || grep 'install ' "$called" | grep -vq -- --no-remove; then
  echo "expected apt-get install --no-remove ... some-package, got:"
  cat "$called"
  exit 1
fi
