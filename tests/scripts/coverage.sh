#!/usr/bin/env bash
# What scripts/lib/coverage.py makes of a header of six lines with code, two of which no instantiation runs.
# Usage: coverage.sh PROJECT CXX
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/include" "$folder/build"
cat > "$folder/include/sign.hpp" << 'CODE'
template <class S>
int sign(S x) {
  if (x < 0)
    return -1;
  if (x > 0)
    return 1;
  return 0;
}
CODE
for file in one two; do
  printf '#include "sign.hpp"\nint %s() { return sign<%s>(1) - 1; }\n' "$file" "$([ $file = one ] && echo int || echo float)" \
    > "$folder/$file.cpp"
done
printf 'int one();\nint two();\nint main() { return one() + two(); }\n' > "$folder/main.cpp"
(cd "$folder/build" && "$2" --coverage -O0 -I../include ../main.cpp ../one.cpp ../two.cpp -o program && ./program)

got=$(python3 -B "$1/scripts/lib/coverage.py" "$folder/build" "$folder/include" --lines "$folder/lines.txt")
expected=$'     4 of      6  sign.hpp\n     4 of      6 lines, 66.7 %'
if [ "$got" != "$expected" ] || [ "$(cat "$folder/lines.txt")" != $'sign.hpp:4\nsign.hpp:7' ]; then
  printf 'expected:\n%s\ngot:\n%s\n' "$expected" "$got"
  cat "$folder/lines.txt"
  exit 1
fi
