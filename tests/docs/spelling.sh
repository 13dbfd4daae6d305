#!/usr/bin/env bash
# spelling.sh: reads the spelling of the documentation, and of the headers and scripts, with codespell.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command -v codespell > /dev/null || { echo "skipped: there is no codespell"; exit 77; }
found=$(echo "It is seperate." | codespell -) || true
[ -n "$found" ] || { echo "expected codespell to find a word that is misspelt, got nothing"; exit 1; }
# Teh is an author, padd an instruction, and uplot.hpp is others' work, packed.
codespell --ignore-words-list teh,padd --skip '*.svg,*.png,*.pyc,*/uplot.hpp' \
  README.md CONTRIBUTING.md CHANGELOG.md SECURITY.md mkdocs.yml docs include scripts
