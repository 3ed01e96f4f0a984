# SPDX-License-Identifier: GPL-3.0-or-later

# make demo     builds the simulator and runs the quickstart
# make test     builds and runs all tests
# make help     lists the rest

SWIFT  ?= swift
PREFIX ?= /usr/local
# Where 'make dask' makes its virtual environment: beside the adapter, here or where it is installed.
ENGINES ?= engines
# Where 'make charts' puts Vega: beside the page of reports, here or where it is installed.
REPORT_PAGE ?= report-page
# Where 'make notebooks' makes the virtual environment of notebooks.
NOTEBOOKS ?= notebooks-export
DATA   := hardware-profiles models policies traces scenarios reference-cases observations
FORMATTED := $(wildcard Sources Tests Benchmarks/Sources Benchmarks/Package.swift) Package.swift

# Release tests need -enable-testing; a folder of their own keeps them from undoing the release build.
RELEASE_TESTS := --scratch-path .build-release-tests -c release -Xswiftc -enable-testing

.PHONY: help setup setup-calibration build release demo test test-debug test-release lint format \
  bench readme docs dask test-dask charts test-page notebooks test-notebooks install clean
.DEFAULT_GOAL := help

help:
	@echo "make setup    install what the build needs and the machine lacks (GSL, pkg-config)"
	@echo "make setup-calibration  install what 'moesim calibrate measure' and 'rehearse' load: OpenBLAS, oneDNN"
	@echo "make build    debug build"
	@echo "make release  release build"
	@echo "make demo     release build, then the quickstart scenario"
	@echo "make test     all tests, in release, where statistical tests are larger"
	@echo "make test-debug  the tests in debug, with the checks that only a debug build makes"
	@echo "make lint     check the formatting of the sources"
	@echo "make format   format the sources"
	@echo "make bench    benchmarks against C++ twins, with throughput and peak memory"
	@echo "make readme   run the commands that the README shows, and write their output into it"
	@echo "make docs     out/docs: tutorials, articles and, after a build, the modules' symbols, by DocC"
	@echo "make dask     install Dask in $(ENGINES)/venv, for sweeps on a cluster (ENGINES=... for elsewhere)"
	@echo "make test-dask  sweeps on a cluster whose machines fail, and the examples for shells"
	@echo "make charts   install vl-convert and Vega in $(REPORT_PAGE), for charts and HTML reports (REPORT_PAGE=... for elsewhere)"
	@echo "make test-page  report pages in a browser; the pages are in out/pages, screenshots in out/screenshots"
	@echo "make notebooks  write and execute the notebooks of $(NOTEBOOKS); installs pandas and a kernel there"
	@echo "make test-notebooks  write notebooks of small runs, and execute them from a clean kernel"
	@echo "make install  install under PREFIX (now $(PREFIX)); DESTDIR is respected"
	@echo "make clean    remove build products"

setup:
	@sh .ci/install-dependencies

setup-calibration:
	@sh .ci/install-calibration-libraries

build: setup
	$(SWIFT) build

release: setup
	$(SWIFT) build -c release --product moesim

demo: release
	.build/release/moesim simulate scenarios/quickstart.yaml

test: test-release

test-debug: setup
	$(SWIFT) test

test-release: setup
	$(SWIFT) test $(RELEASE_TESTS)

lint:
	$(SWIFT) format lint --strict -r $(FORMATTED)

format:
	$(SWIFT) format -i -r $(FORMATTED)

bench: setup
	$(MAKE) -C Benchmarks bench

readme: release
	scripts/update-readme

docs:
	SWIFT="$(SWIFT)" scripts/make-docs

dask:
	@sh .ci/install-dask "$(ENGINES)"

test-dask: release
	@sh .ci/install-dask engines test-tools
	scripts/test-dask

charts:
	@sh .ci/install-charts "$(REPORT_PAGE)"

test-page: release
	@sh .ci/install-charts report-page test-tools
	scripts/make-pages .build/release/moesim out/pages
	MOESIM_PAGES=out/pages scripts/test-page

notebooks: release
	@sh .ci/install-notebooks "$(NOTEBOOKS)"
	scripts/make-notebooks .build/release/moesim "$(NOTEBOOKS)"

test-notebooks: release
	@sh .ci/install-notebooks notebooks-export
	scripts/test-notebooks .build/release/moesim

SHARE = $(DESTDIR)$(PREFIX)/share

install: release
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(SHARE)/moesim"
	install -m 755 .build/release/moesim "$(DESTDIR)$(PREFIX)/bin/moesim"
	cp -R $(wildcard $(DATA)) "$(SHARE)/moesim/"
	install -d "$(SHARE)/moesim/engines" "$(SHARE)/moesim/report-page" "$(SHARE)/man/man1" \
	  "$(SHARE)/bash-completion/completions" \
	  "$(SHARE)/zsh/site-functions" "$(SHARE)/fish/vendor_completions.d"
	install -m 644 engines/*.py "$(SHARE)/moesim/engines/"
	install -m 644 report-page/*.html report-page/*.css $(wildcard report-page/*.js) "$(SHARE)/moesim/report-page/"
	.build/release/moesim --generate-completion-script bash \
	  >"$(SHARE)/bash-completion/completions/moesim"
	.build/release/moesim --generate-completion-script zsh >"$(SHARE)/zsh/site-functions/_moesim"
	.build/release/moesim --generate-completion-script fish \
	  >"$(SHARE)/fish/vendor_completions.d/moesim.fish"
	scripts/make-man-pages .build/release/moesim "$(SHARE)/man/man1"

clean:
	rm -rf .build .build-release-tests Benchmarks/.build
