#!/usr/bin/env bash
# undocumented.sh: of the headers in undocumented/, scripts/docs --undocumented tells every line with "missing" in it, no
# other one, and fails.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" > /dev/null && pwd)
for program in mkdocs doxygen; do
  command -v "$program" > /dev/null || { echo "skipped: there is no $program"; exit 77; }
done
if found=$("$here/../../scripts/docs" --undocumented "$here/undocumented"); then
  echo "expected an error for names without a text, got none"
  exit 1
fi
places=$(cd "$here/undocumented" && grep -inE '\bmissing' -- * | sed -E 's/^([^:]+:[0-9]+):.*/\1/')
diff <(printf '%s\n' "$places") <(printf '%s\n' "$found" | sed -E 's|^tests/docs/undocumented/([^:]+:[0-9]+):.*|\1|') ||
  { printf '%s\n' "expected the lines marked < alone, got" "$found" && exit 1; }
