#!/usr/bin/env bash
# In a clone where nothing can be written a script runs the program that is built, and builds nothing; where none is built
# it says what to do.
set -euo pipefail

project=$1
clone=$(mktemp -d)
trap 'chmod -R u+w "$clone"; rm -rf "$clone"' EXIT
cp -r "$project/scripts" "$clone"
mkdir -p "$clone/build/release/examples" "$clone/bin"
printf '#!/bin/sh\necho "the program ran with $*"\n' > "$clone/build/release/examples/mnist_gan"
for tool in cmake apt-get sudo; do printf '#!/bin/sh\necho "%s was called" >&2\nexit 1\n' "$tool" > "$clone/bin/$tool"; done
chmod +x "$clone"/bin/* "$clone/build/release/examples/mnist_gan"
chmod -R a+rX,a-w "$clone"

# For root every folder can be written.
as_user=()
if [ "$(id -u)" -eq 0 ]; then as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups); fi
run() { PATH="$clone/bin:$PATH" ${as_user[@]+"${as_user[@]}"} "$clone/scripts/mnist_gan" "$@" 2>&1 || true; }

said=$(run --steps 5)
if [ "$said" != "the program ran with --steps 5" ]; then
  echo "expected the program to run and nothing else, got: $said"
  exit 1
fi

chmod -R u+w "$clone"
rm -r "$clone/build"
chmod a-w "$clone"
said=$(run)
if [[ "$said" != "mnist_gan is not built, and nothing can be written in $clone. Please clone"* ]]; then
  echo "expected to be told that nothing can be written, got: $said"
  exit 1
fi
