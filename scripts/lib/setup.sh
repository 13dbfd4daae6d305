# shellcheck shell=bash
# Shared by the scripts one folder up: install what is missing, configure, build.
#
# Notes go to standard error: standard output belongs to the program that a script runs in the end.

rival_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." > /dev/null && pwd)

note() { printf '%s\n' "$*" >&2; }

cores() { nproc 2> /dev/null || getconf _NPROCESSORS_ONLN; }

# run_quietly <what it does> <command>...: shows the command's output only if it fails.
run_quietly() {
  local what=$1 log status=0
  shift
  log=$(mktemp)
  # shellcheck disable=SC2064 # the name of the log is known now and not on exit
  trap "rm -f '$log'" EXIT
  "$@" > "$log" 2>&1 < /dev/null || status=$?
  if [ "$status" -ne 0 ]; then
    cat "$log" >&2
    note "$what failed (exit code $status)"
  fi
  rm -f "$log"
  trap - EXIT
  return "$status"
}

has_apt() { command -v dpkg-query > /dev/null && command -v apt-get > /dev/null; }

# installed <package or pattern>...: those that are, a line each.
installed() {
  dpkg-query --show --showformat '${Package} ${db:Status-Status}\n' "$@" 2> /dev/null | sed -n 's/ installed$//p' || true
}

cannot_install() {
  note "Packages are missing that could not be installed from here. Please run:"
  note "  sudo apt-get update && sudo apt-get install -y --no-install-recommends $*"
  exit 2
}

# What Debian and Ubuntu call the libraries that Rival's components need, and the examples.
library_packages=(libeigen3-dev zlib1g-dev libstb-dev libgif-dev nlohmann-json3-dev libzip-dev libprotozero-dev)
example_packages=("${library_packages[@]}" libcli11-dev libwebp-dev libexif-dev libsndfile1-dev libsamplerate0-dev)
# And what builds the documentation site.
site_packages=(doxygen mkdocs mkdocs-material python3-pymdownx libjs-katex)

# install_missing <package>...: on Debian and Ubuntu, installs those packages that are not there, and the compiler and
# CMake; it removes none. Elsewhere it does nothing: CMake finds the libraries or fetches them.
install_missing() {
  has_apt || return 0

  # Programs may have come from anywhere; libraries are asked for by package.
  local missing=()
  [ -n "${CXX:-}" ] || command -v c++ > /dev/null || missing+=(g++)
  command -v cmake > /dev/null || missing+=(cmake)
  command -v ninja > /dev/null || command -v make > /dev/null || missing+=(ninja-build)
  local there package
  there=$(installed "$@")
  for package in "$@"; do
    grep -qx "$package" <<< "$there" || missing+=("$package")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0

  # A fresh machine may still be busy with updates of its own, hence the wait for the lock.
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
  if [ "$(id -u)" -ne 0 ]; then
    # Without a terminal nobody can type a password.
    if command -v sudo > /dev/null && { sudo -n true 2> /dev/null || { [ -t 0 ] && sudo -v; }; }; then
      apt=(sudo "${apt[@]}")
    else
      cannot_install "${missing[@]}"
    fi
  fi
  note "Installing ${missing[*]}"
  # An update may fail for a source that has nothing to do with these packages.
  "${apt[@]}" update > /dev/null 2>&1 < /dev/null || true
  run_quietly "apt-get install" "${apt[@]}" install -y --no-remove --no-install-recommends "${missing[@]}" ||
    cannot_install "${missing[@]}"
  rival_newly_installed=1
}

# install_if_offered <package>: installs it where apt-get has it and nobody has to be asked. Whoever calls can do without.
install_if_offered() {
  has_apt && [ -z "$(installed "$1")" ] || return 0
  [ "$(id -u)" -eq 0 ] || sudo -n true 2> /dev/null || return 0
  if apt-cache policy "$1" 2> /dev/null | grep -q 'Candidate: [0-9]'; then
    (install_missing "$1") > /dev/null 2>&1 || true
  fi
}

# install_from_npm <folder> <name>: what the folder's package.json asks for, at the versions that its lock file names, to
# build/<name>. Install scripts are not run: what is needed lies in the packages. Whoever calls can do without.
install_from_npm() {
  local from="$rival_root/$1" folder="$rival_root/build/$2"
  command -v npm > /dev/null || install_if_offered npm
  command -v npm > /dev/null && command -v node > /dev/null || return 0
  cmp -s "$from/package-lock.json" "$folder/package-lock.json" && [ -f "$folder/node_modules/.package-lock.json" ] && return 0
  rm -rf "$folder"
  mkdir -p "$folder" && cp "$from/package.json" "$folder" || return 0
  note "Installing what $1/package.json names in build/$2"
  (cd "$folder" && cp "$from/package-lock.json" . &&
    npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-timeout=60000) > /dev/null 2>&1 < /dev/null ||
    { rm -rf "$folder" && note "npm cannot get it from here; the test that needs it is skipped"; }
}

# clang_version: the version of Clang to use. LLVM's OpenMP comes with each, and only one of them can be installed: that is
# taken, so that no package has to go for it, and 16 where there is none.
clang_version() {
  local version=""
  if has_apt; then
    version=$(installed 'libomp-*-dev' | sed -nE 's/^libomp-([0-9]+)-dev$/\1/p' | sort -n | tail -n 1)
  fi
  if [ -n "$version" ] && [ "$version" -lt 14 ]; then
    note "Clang has to be 14 or later. libomp-$version-dev is installed, which goes with Clang $version alone."
    exit 2
  fi
  printf '%s\n' "${version:-16}"
}

# configure <preset> [<cache variable>=<value>...]: runs CMake unless the build folder already is as asked for.
configure() {
  local preset=$1 build="$rival_root/build/$1" setting
  local stamp="$build/.configured"
  shift

  # A folder that was moved, or copied from another machine, cannot be built in.
  if [ -f "$build/CMakeCache.txt" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$rival_root" "$build/CMakeCache.txt"; then
    rm -rf "$build"
  fi

  local wanted=()
  for setting in "$@"; do
    grep -qsx "${setting%%=*}:[A-Z]*=${setting#*=}" "$build/CMakeCache.txt" || wanted+=("-D$setting")
  done
  if [ -z "${rival_newly_installed:-}" ] && [ "${#wanted[@]}" -eq 0 ] &&
    [ "$stamp" -nt "$rival_root/CMakePresets.json" ]; then
    return 0
  fi

  # Ninja where it is found; CMake keeps to what a folder was first configured with.
  if [ ! -f "$build/CMakeCache.txt" ] && [ -z "${CMAKE_GENERATOR:-}" ] && command -v ninja > /dev/null; then
    wanted+=(-G Ninja)
  fi
  rm -f "$stamp"
  (cd "$rival_root" && run_quietly "Configuring" cmake --preset "$preset" ${wanted[@]+"${wanted[@]}"})
  touch "$stamp"
}

# build <preset> <target>...
build() {
  local folder="$rival_root/build/$1"
  shift
  run_quietly "The build" cmake --build "$folder" --target "$@" --parallel "$(cores)"
}

# build_example <name>: with what it needs installed first.
build_example() {
  local folder="$rival_root/build/release"
  # In a clone where this user cannot write, the program that is there is run.
  if [ -x "$folder/examples/$1" ] && [ ! -w "$folder" ]; then
    return
  elif [ ! -e "$folder" ] && [ ! -w "$rival_root" ]; then
    note "$1 is not built, and nothing can be written in $rival_root. Please clone the repository to a folder of your own."
    exit 2
  fi
  install_missing "${example_packages[@]}"
  # An example alone needs no Catch2; a folder that has been configured, with tests or without, is taken as it is.
  if [ ! -x "$folder/examples/$1" ]; then
    note "Building the example, this once: some minutes"
  elif [ -n "$(find "$rival_root"/{include,examples,cmake,CMakeLists.txt} -newer "$folder/examples/$1" \
    \( -name '*.[ch]pp' -o -name '*.cmake' -o -name CMakeLists.txt \) -print -quit)" ]; then
    note "Building the example again, as its sources are newer: up to some minutes"
  fi
  if [ -f "$folder/CMakeCache.txt" ]; then
    configure release RIVAL_EXAMPLES=ON
  else
    configure release RIVAL_TESTS=OFF
  fi
  build release "$1"
  touch "$folder/examples/$1"  # sources of other programs may be newer
}
