// SPDX-License-Identifier: GPL-3.0-or-later
// What a launch costs: in a stream, in a graph, and with a wait for its end.
#include "context.h"

namespace calibration {

void measureLaunch(Context& context) {
  const int count = 200;
  // Launches one after the other without waiting: the host's time for one.
  MeasurementRow stream = context.row("launch", "stream");
  context.measure(stream, [&] {
    Summary summary = context.timer.host([&](long long) {
      for (int i = 0; i < count; ++i) launch(emptyKernel, 1, 32, 0, context.stream);
      context.stream.synchronise();
    });
    for (double* value : {&summary.median, &summary.minimum, &summary.maximum}) *value /= count;
    return summary;
  });

  // The device's time from one empty kernel to the next when all are queued.
  MeasurementRow queued = context.row("launch", "queued");
  context.measure(queued, [&] {
    return context.timer.device(
        [&](long long) { launch(emptyKernel, 1, 32, 0, context.stream); });
  });

  // The same in a graph.
  MeasurementRow graph = context.row("launch", "graph");
  context.measure(graph, [&] {
    cudaGraph_t captured = nullptr;
    cudaGraphExec_t executable = nullptr;
    require(
        cudaStreamBeginCapture(context.stream, cudaStreamCaptureModeThreadLocal), "a capture");
    for (int i = 0; i < count; ++i) launch(emptyKernel, 1, 32, 0, context.stream);
    require(cudaStreamEndCapture(context.stream, &captured), "a capture");
    require(cudaGraphInstantiate(&executable, captured, 0), "a graph");
    Summary summary = context.timer.host([&](long long) {
      require(cudaGraphLaunch(executable, context.stream), "a graph's launch");
      context.stream.synchronise();
    });
    for (double* value : {&summary.median, &summary.minimum, &summary.maximum}) *value /= count;
    require(cudaGraphExecDestroy(executable), "a graph");
    require(cudaGraphDestroy(captured), "a graph");
    return summary;
  });

  // There and back: launch, and wait on the host.
  MeasurementRow waited = context.row("launch", "synchronous");
  context.measure(waited, [&] {
    return context.timer.host([&](long long) {
      launch(emptyKernel, 1, 32, 0, context.stream);
      context.stream.synchronise();
    });
  });
}

}  // namespace calibration
