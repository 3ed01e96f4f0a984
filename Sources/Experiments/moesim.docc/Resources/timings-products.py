# SPDX-License-Identifier: GPL-3.0-or-later
# Times products on one core, and writes a table with aiconfigurator's columns.
# Arguments: the numbers of columns to time.
import os
os.environ["OPENBLAS_NUM_THREADS"] = "1"
import sys, time
import numpy

print("kernel_source,gemm_dtype,m,n,k,latency_ms")
for n in map(int, sys.argv[1:]):
  for k in (512, 1024, 2048):
    for m in (1, 4, 16, 64, 256):
      a = numpy.ones((m, k), numpy.float32)
      b = numpy.ones((k, n), numpy.float32)
      times = []
      for _ in range(50):
        begin = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - begin)
      # Other programs can only lengthen a time.
      print(f"openblas,float32,{m},{n},{k},{min(times) * 1e3:.6f}")
