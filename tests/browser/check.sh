#!/usr/bin/env bash
# check.sh <browser_write_page> <folder for the page>
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" > /dev/null && pwd)
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if ! command -v node > /dev/null || [ -z "$chromium" ]; then
  echo "skipped: there is no node, or no Chromium"
  exit 77
fi
rm -rf "$2"
mkdir -p "$2"
"$1" "$2/report.html"
timeout 120 node "$here/check.mjs" "$chromium" "$2/report.html" "$2"
