#!/bin/bash
# make lint: format, lints as errors, policy for dependencies, shell scripts.  Runs all, then tells which failed.
set -uo pipefail
# shellcheck source=e2e/demo/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/demo/lib.sh"
cd "$REPO" || exit 1
toolchain_ready
FAILED=() SKIPPED=()

check() {
  local what=$1; shift
  printf '\n== %s\n' "$what"
  "$@" || FAILED+=("$what")
}
# Where it decides (CI), what could not be looked at is not good; a developer is only told.
skip() {
  printf '\n== %s: SKIPPED, %s\n' "$1" "$2"
  SKIPPED+=("$1")
  [ "${CI:-}" != true ] || [ "${3:-}" = optional ] || FAILED+=("$1")
}

shell_scripts() { git ls-files -z | xargs -0 grep -lIE '^#!/bin/(ba)?sh|^# shellcheck shell=' | grep -v '^e2e/lint.sh$'; }

if cargo fmt --version >/dev/null 2>&1; then check format cargo fmt --all --check
else skip format "rustfmt is not installed (rustup component add rustfmt, or apt-get install rustfmt-web)"; fi

if cargo clippy --version >/dev/null 2>&1; then
  check clippy cargo clippy -q -p model -p server -p xtask --all-targets -- -D warnings
  check "clippy, the browser's half" cargo clippy -q -p app --features hydrate -- -D warnings
  check "clippy, the browser's half in chunks" cargo clippy -q -p app --features split -- -D warnings
else skip clippy "clippy is not installed (rustup component add clippy, or apt-get install rust-web-clippy)"; fi

if cargo deny --version >/dev/null 2>&1; then check "licences and advisories" cargo deny --all-features check --config .deny.toml
else skip "licences and advisories" "cargo-deny is not installed (cargo install cargo-deny)" optional; fi

if command -v shellcheck >/dev/null; then
  # shellcheck disable=SC2046
  check shellcheck shellcheck -x -S warning $(shell_scripts)
else skip shellcheck "it is not installed (apt-get install shellcheck)"; fi

printf '\n'
[ ${#FAILED[@]} -eq 0 ] || { printf 'failed: %s\n' "${FAILED[@]}"; exit 1; }
say "lint: all good${SKIPPED[*]:+, except what was skipped: ${SKIPPED[*]}}"
