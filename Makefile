# Every command a person runs. Each target installs what it needs in a virtual environment of its own.

PYTHON ?= python3
VENVS ?= .venv
WORKERS ?= 2
CUDA ?= cuda13
DIGESTS ?= build/digests.json
WITH_JWST := tests/parity tests/datamodels

.PHONY: demo test faults parity parity-all jwst-tests lint docs bench aarch64 sanitize portable digests gpu bench-gpu clean

C_SOURCES := $(wildcard gpipe/kernels/native/*.[ch] gpipe/kernels/native/*/*.[ch] gpipe/kernels/shared/*.cuh)
# Where there is a compiler, kernels in C must be built and used, so that nothing passes without them unseen.
ifneq ($(shell command -v $(CC) 2>/dev/null),)
export GPIPE_NATIVE ?= 1
export GPIPE_REQUIRE_NATIVE ?= 1
endif

# A virtual environment for each set of extras: $(VENVS)/<extras>; made again when the dependencies change, and
# installed again when a C source does.
$(VENVS)/%/installed: pyproject.toml CMakeLists.txt $(C_SOURCES)
	[ $@ -nt pyproject.toml ] || $(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	touch $@

demo: $(VENVS)/plot/installed
	$(<D)/bin/gpipe demo

test: $(VENVS)/test/installed
	$(<D)/bin/python -m pytest -n $(WORKERS) -m "not parity and not gpu"

# Kills, full disks, hostile files, many at once: a line for each family of trials. SEED chooses what is drawn, ONLY which.
faults: $(VENVS)/test/installed
	PYTHONPATH=tests $(<D)/bin/python -m faults

# Continuous integration runs parity; parity-all also repeats comparisons on other seeds and larger exposures.
parity: $(VENVS)/test,parity/installed
	$(<D)/bin/python -m pytest -n $(WORKERS) -m "parity and not thorough" $(WITH_JWST)

parity-all: $(VENVS)/test,parity/installed
	$(<D)/bin/python -m pytest -n $(WORKERS) -m parity $(WITH_JWST)

# jwst's own tests of the first stage on gpipe, by substituted imports; they come with the installed jwst.
jwst-tests: $(VENVS)/test,parity/installed
	$(<D)/bin/python -m benchmarks.jwst_tests

gpu: $(VENVS)/test,$(CUDA)/installed
	$(<D)/bin/python -m pytest -m gpu

# What runs where there is no library: portable functions, from file to file.
portable: $(VENVS)/test/installed
	GPIPE_NATIVE=0 $(<D)/bin/python -m pytest -n $(WORKERS) -m "not parity and not gpu" tests/backends tests/pipeline

KERNEL_TESTS := $(shell grep -l "from helpers.in_c" tests/kernels/test_*.py)

# The tests of kernels in C with a library that stops at the first access outside an array and at undefined behaviour.
sanitize: $(VENVS)/test/installed
	$(<D)/bin/cmake -S . -B build/sanitize -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O1 \
	    -DGPIPE_SANITIZE=address,undefined -DGPIPE_WARNINGS_ARE_ERRORS=ON
	$(<D)/bin/cmake --build build/sanitize
	GPIPE_NATIVE=1 GPIPE_NATIVE_LIBRARY=build/sanitize/libkernels.so ASAN_OPTIONS=detect_leaks=0 \
	    LD_PRELOAD=$$($(CC) -print-file-name=libasan.so) \
	    $(<D)/bin/python -m pytest -n $(WORKERS) -m "not gpu" $(KERNEL_TESTS)

# What kernels in C do with the arguments of their tests, here and on ARM, by an emulator: equal bits. On Debian:
# apt-get install gcc-aarch64-linux-gnu qemu-user-static
ARM := build/aarch64
aarch64: $(VENVS)/test/installed
	rm -rf $(ARM)
	RECORD_KERNELS=$(ARM)/calls $(<D)/bin/python -m pytest -q -m "not gpu" $(KERNEL_TESTS)
	$(<D)/bin/cmake -S . -B $(ARM) -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
	    -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc -DGPIPE_WARNINGS_ARE_ERRORS=ON
	$(<D)/bin/cmake --build $(ARM)
	$(<D)/bin/python tests/helpers/recorded.py $(ARM)/calls $(ARM)/libkernels.so base aarch64-linux-gnu-gcc \
	    qemu-aarch64-static -L /usr/aarch64-linux-gnu

lint: $(VENVS)/lint/installed
	$(<D)/bin/ruff check .
	$(<D)/bin/ruff format --check .
	$(<D)/bin/mypy
	$(<D)/bin/mypy tests/typing
	$(<D)/bin/pyright --pythonpath $(<D)/bin/python

docs: $(VENVS)/docs/installed
	$(<D)/bin/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "open build/docs/index.html"

bench: $(VENVS)/test,parity/installed
	$(<D)/bin/python -m benchmarks

# OLD is a record of another tree that the new one is compared with.
digests: $(VENVS)/test,parity/installed
	$(<D)/bin/python -m benchmarks.digests $(DIGESTS)
	$(if $(OLD),$(<D)/bin/python -m benchmarks.digests --compare $(OLD) $(DIGESTS))

bench-gpu: $(VENVS)/test,$(CUDA)/installed
	$(<D)/bin/python -m benchmarks.device

clean:
	rm -rf $(VENVS) build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
