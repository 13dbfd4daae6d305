#!/usr/bin/env bash
# check.sh <web_samples> <folder for screenshots>
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" > /dev/null && pwd)
root=$(cd "$here/../.." > /dev/null && pwd)
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if ! command -v node > /dev/null || ! command -v em++ > /dev/null || [ -z "$chromium" ]; then
  echo "skipped: there is no Emscripten, no node, or no Chromium"
  exit 77
fi
"$root/scripts/web"
bytes=$(cat "$root"/build/web/digits/* "$root"/build/web/shared/* | wc -c)
[ "$bytes" -le 2000000 ] || { echo "fault: expected at most 2,000,000 bytes for the digits' page, got $bytes"; exit 1; }
"$1" "$root/web/digits/generator.safetensors" > "$2.txt"
timeout 300 node "$here/check.mjs" "$chromium" "$root/build/web" "$2.txt" "$2"
