# The work is in scripts/ and CMakePresets.json; this is the way in.
.DEFAULT_GOAL := help
.PHONY: help up down test torture bench format clean

help:
	@echo 'make up [URL=…]  build and run everything from this folder, capture a page'
	@echo 'make down        stop it; the data stays in run/'
	@echo 'make test        build with sanitizers and run every test'
	@echo 'make torture [ARGS="--minutes 3"]  break everything around it, count what is lost'
	@echo 'make bench       measure beside nginx, webdis, BullMQ, pgbench and curl'
	@echo 'make format      format the C sources'
	@echo 'make clean       remove build/'

# URL arrives through the environment, so that the shell leaves it alone.
up: override export URL := $(value URL)
up:
	@scripts/up "$$URL"

down:
	@scripts/down

test:
	@scripts/test

torture:
	@scripts/torture $(ARGS)

bench:
	@scripts/bench

format:
	@scripts/install dev
	@git ls-files -z '*.c' '*.h' | xargs -0 clang-format -i

clean:
	rm -rf build
