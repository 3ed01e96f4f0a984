#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Puts mistakes into kernels and sees that `measure` refuses to time them, after `make check`:
# check_mutations.sh COMPILER BUILD
set -eu
compiler=$1
build=$(cd "$2" && pwd)
here=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
flags="-std=c++17 -O1 -w -DCALIBRATION_EMULATION -fsanitize=address,undefined"
passed=0

# mutate SUITE FILE FROM TO
mutate() {
  rm -rf "$folder/source"
  mkdir "$folder/source"
  (cd "$here" && cp -r host device kernels suites emulation "$folder/source")
  python3 - "$folder/source/$2" "$3" "$4" <<'PYTHON'
import sys
path, old, new = sys.argv[1:]
text = open(path).read()
assert text.count(old) >= 1, f"{old} does not stand in {path}"
open(path, "w").write(text.replace(old, new, 1))
PYTHON
  $compiler $flags -I"$folder/source/emulation" -x c++ -c "$folder/source/suites/$1.cu" -o "$folder/mutant.o"
  objects=$(ls "$build"/measure.o "$build"/suites/*.o | grep -v "/$1.o")
  $compiler $flags $objects "$folder/mutant.o" -o "$folder/measure"
  suite=$1
  if "$folder/measure" --tiny --only "$suite" >"$folder/out" 2>"$folder/log"; then
    echo "FAILED: \"$4\" in $2 was not found out"
    exit 1
  fi
  grep -qE "wrongly|emulation:|AddressSanitizer|runtime error" "$folder/log" || { tail -5 "$folder/log"; exit 1; }
  passed=$((passed + 1))
  echo "found out: \"$4\" in $2"
}

# mutate_rehearsal FILE FROM TO LOG
mutate_rehearsal() {
  rm -rf "$folder/source"
  mkdir "$folder/source"
  (cd "$here" && cp -r host device kernels suites emulation rehearsal rehearse.cu "$folder/source")
  python3 - "$folder/source/$1" "$2" "$3" <<'PYTHON'
import sys
path, old, new = sys.argv[1:]
text = open(path).read()
assert text.count(old) >= 1, f"{old} does not stand in {path}"
open(path, "w").write(text.replace(old, new, 1))
PYTHON
  $compiler $flags -I"$folder/source/emulation" -x c++ "$folder/source/rehearse.cu" -o "$folder/rehearse"
  for seed in 0 3 4 5 6 7; do
    if ! EMULATION_SEED=$seed "$folder/rehearse" "$here/tests/data/$4.jsonl" --quick --verify \
      --chunk 0.03 --host-memory 0.2 >"$folder/out" 2>"$folder/log"; then
      grep -qE "wrongly|emulation:|where it is not" "$folder/log" || { tail -5 "$folder/log"; exit 1; }
      passed=$((passed + 1))
      echo "found out: \"$3\" in $1, seed $seed"
      return
    fi
  done
  echo "FAILED: \"$3\" in $1 was not found out"
  exit 1
}

mutate attention kernels/attention.cuh 'rescale[g] = __expf(before - maximum)' 'rescale[g] = 1'
mutate attention kernels/attention.cuh 'key < count ? dot : -INFINITY' 'dot'
mutate attention kernels/attention.cuh 'float share = __expf(maxima[s * heads + head] - maximum);' 'float share = 1;'
mutate quantised kernels/quantised.cuh '8388616.0f' '8388615.0f'
mutate quantised kernels/quantised.cuh '^ 128u' '^ 0u'
mutate rows kernels/gate.cuh 'other == best && otherNumber < number' 'false'
mutate rows kernels/rows.cuh '+ epsilon' '+ 1.0f'
mutate rows kernels/rows.cuh 'if (threadIdx.x % 32 == 0) partial' 'if (threadIdx.x < 64) return; partial'
mutate experts kernels/rows.cuh 'std::size_t(places[token * k + j])' 'std::size_t(places[token * k])'
mutate experts kernels/rows.cuh '1 + __expf(-gate)' '1 + __expf(gate)'
mutate prefill kernels/attention.cuh '% unsigned(query)) + 1' '% unsigned(query))'
mutate_rehearsal rehearsal/player.h \
  'transfers.awaitLoad(member.buffer, compute);
    std::size_t span' 'std::size_t span' on-demand
mutate_rehearsal rehearsal/transfers.h 'if (hasUse[at]) require' 'if (false) require' on-demand
mutate_rehearsal host/expert_places.h 'slotBuffers[std::size_t(slot)] = buffer;' '' mixtral-offloading
echo "$passed passed, 0 failed"
