# SPDX-License-Identifier: Apache-2.0
# Everything a person or a machine does with this repository. `make` alone explains itself.

SWIFT ?= swift
# Where `make run` keeps what outlives it.
DATA ?= .broker-data
# How often `make crashloop` kills the broker.
ROUNDS ?= 200
# What runs once more under ThreadSanitizer: the targets that own threads. The command line's log is left out: its
# contended Mutex is reported, because the sanitizer does not see into the waiting half of the system's Mutex.
TSAN_FILTER ?= BrokerServerTests|ReactorTests|StoreTests

.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help run build test unit-test script-test tsan-test crashloop fuzz bench autobahn lint format docs clean setup setup-test

help: ## Explain the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

run: setup ## Build for release and run the broker with its demo agent
	$(SWIFT) build -c release --product broker-cli
	exec .build/release/broker-cli serve --demo --data $(DATA)

build: setup ## Build for release
	$(SWIFT) build -c release --product broker-cli

test: setup-test lint unit-test script-test tsan-test ## Lint, and run every test

unit-test: setup-test ## Run the Swift tests
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build

script-test: setup-test ## Run Scripts/tests/NN-*.sh against the built program
	$(SWIFT) build --product broker-cli
	$(SWIFT) build --product parrot
	Scripts/script-tests.sh

tsan-test: setup-test ## Run the tests of what owns threads under ThreadSanitizer
	$(SWIFT) test --sanitize=thread --scratch-path .build-tsan --filter '$(TSAN_FILTER)'

crashloop: setup-test ## Kill the broker 200 times while people talk; nothing accepted may be lost
	$(SWIFT) build --product broker-cli
	Scripts/crashloop.sh $(ROUNDS)

fuzz: setup ## Fuzz the readers of foreign bytes, each for FUZZ_SECONDS (60)
	SWIFT="$(SWIFT)" Scripts/fuzz.sh

bench: setup ## Measure the broker against a raw epoll floor built on the spot
	Benchmarks/bench.sh

autobahn: setup-test ## Run the Autobahn fuzzing client, its long group 9 too, against the WebSocket codec
	Scripts/autobahn.sh 1 2 3 4 5 6 7 9 10

lint: ## Check formatting, licence lines and file sizes
	Scripts/lint.sh

format: ## Format all sources in place
	$(SWIFT) format -i -r Fuzz Sources Tests Examples Package.swift

docs: setup ## Write Docs/Configuration.md anew from the table of settings
	REWRITE_DOCS=1 $(SWIFT) test --filter thePageOfSettingsIsWhatTheTableSays

clean: ## Remove what was built
	rm -rf .build .build-tsan .build-fuzz

setup:
	@Scripts/setup.sh run

setup-test:
	@Scripts/setup.sh test
