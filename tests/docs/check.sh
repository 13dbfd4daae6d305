#!/usr/bin/env bash
# check.sh <folder for screenshots>: builds the site, follows its links, and opens pages of it in Chromium if there is one.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" > /dev/null && pwd)
root=$here/../..
for program in mkdocs doxygen python3; do
  command -v "$program" > /dev/null || { echo "skipped: there is no $program"; exit 77; }
done
for file in /usr/share/mkdocs/themes/material/main.html /usr/share/javascript/katex/katex.min.js; do
  [ -e "$file" ] || { echo "skipped: there is no $file"; exit 77; }
done
"$root/scripts/docs"
python3 "$here/links.py" "$root/build/site"
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if command -v node > /dev/null && [ -n "$chromium" ]; then
  timeout 300 node "$here/pages.mjs" "$chromium" "$root/build/site" "$1"
fi
