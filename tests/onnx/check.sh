#!/usr/bin/env bash
# check.sh <onnx_write_models> <folder for the models> <folder with node_modules/onnxruntime-node>
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" > /dev/null && pwd)
if ! command -v node > /dev/null || [ ! -d "$3/node_modules/onnxruntime-node" ]; then
  echo "skipped: there is no node, or no onnxruntime-node in $3"
  exit 77
fi
rm -rf "$2"
"$1" "$2"
cd "$3"
node "$here/check.mjs" "$2"
rm -rf "$2"
