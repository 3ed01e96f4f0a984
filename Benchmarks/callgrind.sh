#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Counts the kernel's instructions, and its retains, releases and allocations, per step.
#
# Each program runs twice under callgrind, with N and with 2 N steps; the difference is exact
# and free of start-up costs. With --check the script fails when a limit is passed.

set -eu
cd "$(dirname "$0")"
steps=${STEPS:-100000}
program=.build/release/KernelBenchmarks
[ -x "$program" ] || swift build -c release --product KernelBenchmarks
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0

# Prints "INSTRUCTIONS CALLS" of one run; CALLS are to retain, release, malloc and their kin.
count() {
  valgrind --tool=callgrind --callgrind-out-file="$folder/out" "$program" once "$1" "$2" \
    > "$folder/stdout" 2> "$folder/stderr"
  awk '
    /^summary: / || /^totals: / { total = $2 }
    /^c?fn=/ {
      split($0, parts, "[()]")
      id = parts[2]
      name = $0
      if (sub(/^c?fn=\([0-9]+\) /, "", name)) names[id] = name
      if (/^cfn=/) called = id
    }
    /^calls=/ {
      split($1, parts, "=")
      calls[called] += parts[2]
    }
    END {
      for (id in calls)
        if (names[id] ~ /^(swift_retain|swift_release|swift_bridgeObject(Retain|Release)|swift_allocObject|swift_slowAlloc|swift_beginAccess|malloc|calloc|realloc|posix_memalign|aligned_alloc|free|operator new)/)
          sum += calls[id]
      print total, sum + 0
    }' "$folder/out"
}

# measure PROGRAM LIMIT: a limit of 0 means none.
measure() {
  set -- "$1" "$2" $(count "$1" "$steps") $(count "$1" $((2 * steps)))
  instructions=$(( ($5 - $3 + steps / 2) / steps ))
  calls=$(( $6 - $4 ))
  note=
  if [ "$2" -gt 0 ]; then
    note="limit $2, no calls"
    # A table that still grows may call a few times in all; per step the number must be zero.
    if [ "$instructions" -gt "$2" ] || [ "$calls" -gt 20 ]; then
      note="$note: FAILED"
      failures=$((failures + 1))
    fi
  fi
  printf '%-28s %14d %24d   %s\n' "$1" "$instructions" "$calls" "$note"
}

printf '%-28s %14s %24s\n' "$steps more steps" "instructions" "retains, releases and"
printf '%-28s %14s %24s\n' "" "per step" "allocations in all"
measure hold 360
measure cxx-hold 0
measure cxx-hold-replace 0
measure cxx-hold-priority-queue 0
measure network 700
measure transfers 0
measure cxx-network 0
measure mm1 0
measure cxx-mm1 0
if [ "${1:-}" = "--check" ] && [ "$failures" -gt 0 ]; then exit 1; fi
