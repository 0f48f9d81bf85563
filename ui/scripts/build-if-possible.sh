#!/usr/bin/env bash
# Builds the UI unless the last build is newer than its sources. Where there is no Node.js and none can be had, it says so and goes
# on: the API serves without pages. Used by `make up`.
set -euo pipefail
cd "$(dirname "$0")/../.."

built=operator/src/towpath_operator/ui_dist/index.html
sources=(ui/src ui/public ui/index.html ui/package-lock.json ui/vite.config.ts ui/scripts docs/reference/openapi.json)
if [ -f "$built" ] && [ -z "$(find "${sources[@]}" -type f ! -name schema.d.ts -newer "$built" -print -quit)" ]; then
  exit 0
fi
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
if { ui/scripts/with-node.sh npm ci && ui/scripts/with-node.sh npm run build; } >"$log" 2>&1; then
  grep '^initial bundle' "$log" | cut -d'(' -f1
else
  echo "The pages are not built, and the server goes without them: $(grep -v '^$' "$log" | tail -1)" >&2
  echo "\`make ui\` shows why." >&2
fi
