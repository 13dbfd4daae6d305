#!/usr/bin/env bash
# sentences.sh <folder with node_modules/remark-cli>: reads the documentation's sentences, as sentences/remarkrc.mjs says.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" > /dev/null && pwd)
if ! command -v node > /dev/null || [ ! -d "$1/node_modules/remark-cli" ]; then
  echo "skipped: there is no node, or no remark-cli in $1"
  exit 77
fi
cp "$here/sentences/remarkrc.mjs" "$1"  # whose imports are looked for beside it
remark=("$1/node_modules/.bin/remark" --rc-path "$1/remarkrc.mjs" --no-config --no-ignore --no-stdout --no-color --frail)
cd "$here/../.."

# In each line of one paragraph a fault, and none besides.
if found=$("${remark[@]}" tests/docs/sentences/faults.md 2>&1); then
  echo "expected faults in tests/docs/sentences/faults.md, got none"
  exit 1
fi
lines=$(printf '%s\n' "$found" | sed -nE 's/^ *([0-9]+):.*/\1/p' | sort -nu | paste -sd' ')
if [ "$lines" != '4 5 6 7 8 9' ]; then
  printf '%s\n' "expected faults in the lines 4 to 9, got" "$found"
  exit 1
fi

"${remark[@]}" --quiet README.md CONTRIBUTING.md docs
