#!/bin/bash
# make demo-return: berlin has power again, with its old disks and definitions.
set -euo pipefail
# shellcheck source=e2e/demo/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
if simulated_runs; then
  simulated_fault berlin none
  say "Its old copies stay down.   (simulated clouds)"
  exit
fi
[ -d "$LAB_STATE/sites" ] || die "There is no demo to return to: make demo"
"$LAB" return berlin
cat <<TEXT
Its old copies stay down, since their autostart was taken away when they were protected:
  $LAB virsh berlin list --all
TEXT
