#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs the programs on the host's emulation of CUDA: check_programs.sh BUILD
set -eu
build=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../..
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
passed=0
pass() { passed=$((passed + 1)); echo "ok: $1"; }
fail() { echo "FAILED: $1"; tail -20 "$folder/log" || true; exit 1; }

# Every kernel of `measure` is checked against the host before it is timed. Another seed runs threads
# and streams in another order.
"$build/measure" --tiny --out "$folder/rows-0.jsonl" 2>"$folder/log" || fail "measure --tiny"
pass "measure --tiny"
EMULATION_SEED=3 "$build/measure" --tiny --only copies,overlap,attention,prefill \
  --out "$folder/rows-3.jsonl" 2>"$folder/log" || fail "measure --tiny, seed 3"
pass "measure --tiny, seed 3"
python3 "$here/check_rows.py" "$folder/rows-0.jsonl" \
  "$root/Sources/Calibration/Timings/KernelMeasurement.swift" \
  "$root/Sources/Calibration/Timings/MeasuredKernel.swift" >"$folder/log" 2>&1 || fail "check_rows"
pass "$(cat "$folder/log")"

# A run that is resumed does what is missing and nothing else.
head -n 20 "$folder/rows-0.jsonl" >"$folder/part.jsonl"
printf '{"device": "cut of' >>"$folder/part.jsonl"
"$build/measure" --tiny --only launch,copies --resume --out "$folder/part.jsonl" 2>"$folder/log" ||
  fail "measure --resume"
wanted=$(grep -cE '"kernel": "(launch|copy)"' "$folder/rows-0.jsonl")
copies=$(grep -E '"kernel": "(launch|copy)"' "$folder/part.jsonl" | grep -vcE '"overlap|"d2d"')
others=$(grep -E '"kernel": "copy"' "$folder/rows-0.jsonl" | grep -cE '"overlap|"d2d"')
[ "$copies" -eq $((wanted - others)) ] || fail "measure --resume has $copies rows"
pass "measure --resume"

# Each log is executed, and its results compared with those of a plain execution.
for log in "$here"/data/*.jsonl; do
  name=$(basename "$log" .jsonl)
  for seed in 0 3 4; do
    EMULATION_SEED=$seed "$build/rehearse" "$log" --quick --verify --host-memory 0.2 --chunk 0.03 \
      --out "$folder/report.json" --timeline "$folder/trace.json" 2>"$folder/log" ||
      fail "rehearse $name, seed $seed"
    grep -q "all 5 steps give what a plain execution gives" "$folder/log" || fail "verify $name"
  done
  python3 - "$folder/report.json" "$folder/trace.json" "$log" <<'PYTHON' || fail "report of $name"
import json, sys
report = json.loads(open(sys.argv[1]).readlines()[-1])
trace = json.load(open(sys.argv[2]))
log = [json.loads(line) for line in open(sys.argv[3])]
found = [m["found"] for line in log if line["event"] == "access" for m in line["members"]]
for name in ("hit", "late", "miss", "streamed"):
    assert report["found"][name] == found.count(name), name
prefetched = sum(line["event"] == "prefetch" for line in log)
logged = (found.count("miss") + found.count("streamed") + prefetched) * 98304
moved = report["transfers"]["demand_bytes"] + report["transfers"]["prefetch_bytes"]
# What was fetched ahead and waits at the end, or was forgotten, may not have been copied whole.
assert logged - 4 * 98304 <= moved <= logged, (moved, logged)
assert report["found"]["logged_bytes"] == logged
assert len([e for e in trace["traceEvents"] if e.get("tid") == 3]) > len(found)
PYTHON
  pass "rehearse $name"
done

# Without its waits the program must be found out.
if EMULATION_SEED=3 EMULATION_IGNORE_WAITS=1 "$build/rehearse" "$here/data/lru.jsonl" --quick --verify --host-memory 0.2 \
  >/dev/null 2>"$folder/log"; then
  fail "rehearse without waits was not found out"
fi
grep -q "computes wrongly" "$folder/log" || fail "rehearse without waits"
pass "rehearse without waits is found out"

# What cannot be executed is refused.
sed 's/"precision":{"attention":"bf16","experts":"bf16"/"precision":{"attention":"bf16","experts":"int4"/' \
  "$here/data/lru.jsonl" >"$folder/int4.jsonl"
if "$build/rehearse" "$folder/int4.jsonl" >/dev/null 2>"$folder/log"; then fail "int4"; fi
grep -q "gated experts in bf16" "$folder/log" || fail "int4"
pass "rehearse refuses int4"
echo "$passed passed, 0 failed"
