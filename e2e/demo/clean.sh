#!/bin/bash
# make demo-clean: what is left of a demo that crashed goes away.
set -euo pipefail
# shellcheck source=e2e/demo/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
console_stop "$SIMULATED/console"
rm -rf "$SIMULATED"
if [ "$(id -u)" = 0 ]; then
  console_stop "$LAB_STATE/demo/console"
  "$LAB" down
elif [ -d "$LAB_STATE" ]; then
  die "the lab was started by root: sudo make demo-clean"
fi
