// SPDX-License-Identifier: GPL-3.0-or-later
// Attention of prompt tokens by cuDNN's fused kernel, through its C++ header (cudnn-frontend).
#include <cudnn.h>
#include <cudnn_frontend.h>

#include <memory>
#include <unordered_map>

#include "fused_prefill.h"

namespace calibration {

namespace {

namespace frontend = cudnn_frontend;

class Cudnn {
 public:
  explicit Cudnn(cudaStream_t stream) {
    if (cudnnCreate(&handle) != CUDNN_STATUS_SUCCESS) throw std::runtime_error("a cuDNN handle");
    if (cudnnSetStream(handle, stream) != CUDNN_STATUS_SUCCESS) {
      throw std::runtime_error("cuDNN's stream");
    }
  }
  Cudnn(const Cudnn&) = delete;
  ~Cudnn() { cudnnDestroy(handle); }
  cudnnHandle_t handle = nullptr;
};

enum Name : std::int64_t { queries = 1, keys, values, outputs };

/// Tensors are batch x heads x rows x size without gaps.
std::shared_ptr<frontend::graph::Tensor_attributes> tensor(
    frontend::graph::Graph& graph, Name name, std::int64_t batch, std::int64_t heads,
    std::int64_t rows, std::int64_t size) {
  return graph.tensor(
      frontend::graph::Tensor_attributes()
          .set_uid(name)
          .set_dim({batch, heads, rows, size})
          .set_stride({heads * rows * size, rows * size, size, 1}));
}

}  // namespace

void measureFusedPrefill(Context& context, const MeasurementRow& plain) {
  MeasurementRow row = plain;
  row.implementation = "cudnn";
  if (context.file.has(row)) return;
  std::int64_t batch = *row.batch, heads = *row.heads, kvHeads = *row.kvHeads;
  std::int64_t size = *row.headSize, query = *row.query, past = *row.past;
  std::int64_t count = query + past, group = heads / kvHeads;
  std::string name = "cuDNN's attention of " + std::to_string(query);

  Cudnn cudnn(context.stream);
  frontend::graph::Graph graph;
  graph.set_io_data_type(frontend::DataType_t::BFLOAT16)
      .set_intermediate_data_type(frontend::DataType_t::FLOAT)
      .set_compute_data_type(frontend::DataType_t::FLOAT);
  auto q = tensor(graph, queries, batch, heads, query, size);
  auto k = tensor(graph, keys, batch, kvHeads, count, size);
  auto v = tensor(graph, values, batch, kvHeads, count, size);
  auto options = frontend::graph::SDPA_attributes()
                     .set_generate_stats(false)
                     .set_attn_scale(1 / std::sqrt(float(size)));
  // New tokens are the last ones: each sees all cached tokens.
  if (past > 0) {
    options.set_causal_mask_bottom_right(true);
  } else {
    options.set_causal_mask(true);
  }
  auto result = graph.sdpa(q, k, v, options);
  result[0]->set_output(true).set_uid(outputs).set_dim({batch, heads, query, size}).set_stride(
      {heads * query * size, query * size, size, 1});
  auto status = graph.build(cudnn.handle, {frontend::HeurMode_t::A});
  if (status.is_bad()) {
    context.skip(name, status.get_message());
    return;
  }
  std::int64_t workspaceBytes = 0;
  if (graph.get_workspace_size(workspaceBytes).is_bad()) throw std::runtime_error(name);

  DrawnBuffer queryValues(std::size_t(batch * heads * query * size), 37, 3, context.stream);
  DrawnBuffer keyValues(std::size_t(batch * kvHeads * count * size), 41, 1, context.stream);
  DrawnBuffer valueValues(std::size_t(batch * kvHeads * count * size), 43, 1, context.stream);
  DeviceBuffer<__nv_bfloat16> out(std::size_t(batch * heads * query * size));
  DeviceBuffer<char> workspace(std::size_t(workspaceBytes) + 1);
  std::unordered_map<std::int64_t, void*> pointers = {
      {queries, queryValues.data()},
      {keys, keyValues.data()},
      {values, valueValues.data()},
      {outputs, out.data()}};
  auto run = [&] {
    if (graph.execute(cudnn.handle, pointers, workspace.data()).is_bad()) {
      throw std::runtime_error(name + " cannot be executed");
    }
  };
  run();
  std::vector<float> found, expected;
  for (std::int64_t at : Context::sampled(batch * heads * query, 5)) {
    std::int64_t sequence = at / (heads * query), head = at / query % heads;
    std::size_t from = std::size_t(at * size);
    std::size_t first = std::size_t((sequence * kvHeads + head / group) * count * size);
    std::vector<float> one = attentionOutput(
        size, past + at % query + 1, [&](auto i) { return queryValues.value(from + i); },
        [&](auto t, auto i) { return keyValues.value(first + t * size + i); },
        [&](auto t, auto i) { return valueValues.value(first + t * size + i); });
    expected.insert(expected.end(), one.begin(), one.end());
    std::vector<float> all = fetched(out.data() + from, std::size_t(size), context.stream);
    found.insert(found.end(), all.begin(), all.end());
  }
  requireClose(name, found, expected, 0.02, 0.02);
  context.measure(row, [&] { return context.timer.device([&](long long) { run(); }, 2); });
}

}  // namespace calibration
