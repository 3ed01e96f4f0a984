// SPDX-License-Identifier: GPL-3.0-or-later
// How a copy over the link and a computation slow each other.
//
// Two rows a case, both with implementation "overlap" and the copy's direction: the product while
// copies run beside it, and the copy while products run. The same shapes alone stand in rows without
// a direction (gemm) and of implementation "overlap_alone" (copy).
#include "context.h"

namespace calibration {

namespace {

struct Case {
  const char* direction;
  bool isToDevice;
  std::int64_t m, n, k;
};

class Overlap {
 public:
  Overlap(Context& context, const Case& shape, std::size_t copyBytes)
      : context(context), shape(shape), bytes(copyBytes), host(copyBytes), device(copyBytes),
        a(std::size_t(shape.m * shape.k), 83, 1, context.stream),
        pool(std::size_t(shape.n * shape.k) * 2, context.device.cacheBytes, context.stream),
        c(std::size_t(shape.m * shape.n)) {}

  void measure() {
    MeasurementRow product = gemmRow("overlap"), transfer = copyRow("overlap");
    if (context.file.has(product) && context.file.has(transfer)) return;
    context.measure(gemmRow("overlap_alone"), [&] {
      return gemmAlone = context.timer.repeat([&] { return timed(16, 0).first; });
    });
    context.measure(copyRow("overlap_alone"), [&] {
      return copyAlone = context.timer.repeat([&] { return timed(0, 2).second; });
    });
    if (gemmAlone.count == 0) gemmAlone = summarise({timed(16, 0).first});
    if (copyAlone.count == 0) copyAlone = summarise({timed(0, 2).second});
    // Whichever is timed, the other lasts at least twice as long: an interruption of its start or end
    // would otherwise count as a time alone.
    context.measure(product, [&] {
      int copies = 2 + int(2 * 16 * gemmAlone.median / copyAlone.median);
      return context.timer.repeat([&] { return timed(16, copies).first; });
    });
    context.measure(transfer, [&] {
      int products = 16 + int(4 * 2 * copyAlone.median / gemmAlone.median);
      return context.timer.repeat([&] { return timed(products, 2).second; });
    });
  }

 private:
  MeasurementRow gemmRow(const char* implementation) const {
    MeasurementRow row = context.row("gemm", implementation);
    row.m = shape.m;
    row.n = shape.n;
    row.k = shape.k;
    row.precision = "bf16";
    row.activationPrecision = "bf16";
    if (std::string(implementation) == "overlap") row.direction = shape.direction;
    return row;
  }
  MeasurementRow copyRow(const char* implementation) const {
    MeasurementRow row = context.row("copy", implementation);
    row.bytes = std::int64_t(bytes);
    row.direction = shape.direction;
    row.pinned = true;
    row.streams = 1;
    // The product beside which it runs.
    if (std::string(implementation) == "overlap") {
      row.m = shape.m;
      row.n = shape.n;
      row.k = shape.k;
    }
    return row;
  }

  /// Starts both at once, and returns the time of one product and of one copy.
  std::pair<double, double> timed(int products, int copies) {
    // Launching takes the host's time; both streams wait until all is queued.
    unsigned spin = unsigned(std::min(20000, 50 + 6 * products + 6 * copies)) * 1000;
    launch(spinKernel, 1, 1, 0, context.stream, spin);
    ready.record(context.stream);
    require(cudaStreamWaitEvent(copyStream, ready, 0), "a wait");
    copyBegan.record(copyStream);
    productBegan.record(context.stream);
    std::size_t part = std::size_t(shape.n * shape.k) * 2;
    for (int i = 0; i < products; ++i) {
      context.blas.product(
          int(shape.m), int(shape.n), int(shape.k), a.data(), pool.part(turn++, part), c.data());
    }
    for (int i = 0; i < copies; ++i) {
      require(
          shape.isToDevice
              ? cudaMemcpyAsync(
                    device.data(), host.data(), bytes, cudaMemcpyHostToDevice, copyStream)
              : cudaMemcpyAsync(
                    host.data(), device.data(), bytes, cudaMemcpyDeviceToHost, copyStream),
          "a copy");
    }
    productEnded.record(context.stream);
    copyEnded.record(copyStream);
    context.stream.synchronise();
    copyStream.synchronise();
    return {products ? secondsBetween(productBegan, productEnded) / products : 0,
            copies ? secondsBetween(copyBegan, copyEnded) / copies : 0};
  }

  Context& context;
  Case shape;
  std::size_t bytes;
  PinnedBuffer host;
  DeviceBuffer<unsigned char> device;
  DrawnBuffer a;
  RotatingPool pool;
  DeviceBuffer<__nv_bfloat16> c;
  Stream copyStream;
  Event ready{false}, copyBegan, copyEnded, productBegan, productEnded;
  Summary gemmAlone, copyAlone;
  std::size_t turn = 0;
};

}  // namespace

void measureOverlap(Context& context) {
  // A product bound by memory and one bound by arithmetic.
  std::vector<std::int64_t> heights = {1, 16, 4096};
  std::int64_t side = context.tiny ? 128 : 8192;
  std::size_t bytes = context.tiny ? 1 << 16 : std::size_t(64) << 20;
  for (std::int64_t m : heights) {
    for (bool isToDevice : {true, false}) {
      Case shape{isToDevice ? "h2d" : "d2h", isToDevice, context.tiny ? std::min<std::int64_t>(m, 4) : m,
                 side, side};
      Overlap(context, shape, bytes).measure();
    }
  }
}

}  // namespace calibration
