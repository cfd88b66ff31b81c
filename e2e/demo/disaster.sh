#!/bin/bash
# make demo-disaster: berlin loses power, all at once.
set -euo pipefail
# shellcheck source=e2e/demo/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
if simulated_runs; then
  simulated_fault berlin down
  say "The overview turns red within 10 s: $URL   (simulated clouds)"
  exit
fi
[ -d "$LAB_STATE/sites" ] || die "There is no demo to destroy: make demo"
"$LAB" kill berlin
cat <<TEXT
The overview turns red within 10 s: $URL
Press "Fail over site" there. The shop's address, now silent, will answer again: http://10.88.$LAB_ID.100/
TEXT
