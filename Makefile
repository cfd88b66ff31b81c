# Thin on purpose: the scripts are in e2e/, the build is `cargo xtask`.
.DEFAULT_GOAL := help
.PHONY: help demo demo-disaster demo-return demo-openstack demo-clean dev test lint bench build

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## two real sites, six machines, the console; Ctrl-C takes all down (root, Debian 12)
	@exec e2e/demo/demo.sh

demo-disaster: ## while the demo runs: site berlin loses power
	@e2e/demo/disaster.sh

demo-return: ## while the demo runs: berlin comes back
	@e2e/demo/return.sh

demo-openstack: ## while the demo runs: the external cloud, if the demo left it out
	@e2e/demo/external.sh

demo-clean: ## remove what a crashed demo left behind
	@e2e/demo/clean.sh

dev: ## rebuild and reload on every change
	@exec cargo xtask dev

test: ## unit and integration tests, real sites, browser
	@exec e2e/test.sh

lint: ## format, clippy, dependency policy, shell scripts
	@e2e/lint.sh

bench: ## benchmarks, one JSON line per figure
	@e2e/bench/run

build: ## release build: style, WebAssembly, server
	@cargo xtask build --release
