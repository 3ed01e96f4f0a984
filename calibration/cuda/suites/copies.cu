// SPDX-License-Identifier: GPL-3.0-or-later
// Copies over the link: by size, by number of streams, from locked and from pageable memory, one way
// and both ways at once.
//
// `bytes` are those of one copy, `streams` the copies that are under way at once; the time is that in
// which all of them end. So streams * bytes / median is the bandwidth of the link.
#include <memory>

#include "context.h"

namespace calibration {

namespace {

/// Host and device memory for a number of copies at once.
struct CopyRoom {
  PinnedBuffer locked;
  std::vector<unsigned char> pageable;
  DeviceBuffer<unsigned char> device;
  std::size_t bytes;

  CopyRoom(std::size_t bytes, std::size_t streams, bool isPinned)
      : device(bytes * streams), bytes(bytes) {
    if (isPinned) {
      locked = PinnedBuffer(bytes * streams);
    } else {
      pageable.resize(bytes * streams);
    }
    for (std::size_t i = 0; i < bytes * streams; i += 4096) at(0)[i] = (unsigned char)(i >> 12);
  }
  unsigned char* at(std::size_t number) {
    auto* base = locked.data() ? static_cast<unsigned char*>(locked.data()) : pageable.data();
    return base + number * bytes;
  }
};

void copy(CopyRoom& room, std::size_t number, bool isToDevice, cudaStream_t stream) {
  unsigned char* device = room.device.data() + number * room.bytes;
  require(
      isToDevice ? cudaMemcpyAsync(
                       device, room.at(number), room.bytes, cudaMemcpyHostToDevice, stream)
                 : cudaMemcpyAsync(
                       room.at(number), device, room.bytes, cudaMemcpyDeviceToHost, stream),
      "a copy");
}

/// A byte of each page goes to the device and comes back.
void checkThereAndBack(CopyRoom& room, cudaStream_t stream) {
  copy(room, 0, true, stream);
  require(cudaStreamSynchronize(stream), "a copy");
  std::vector<unsigned char> before(room.at(0), room.at(0) + room.bytes);
  std::fill(room.at(0), room.at(0) + room.bytes, (unsigned char)0xA5);
  copy(room, 0, false, stream);
  require(cudaStreamSynchronize(stream), "a copy");
  if (!std::equal(before.begin(), before.end(), room.at(0))) {
    throw WrongResult("what came back from the device is not what was sent");
  }
}

MeasurementRow copyRow(
    const Context& context, const char* implementation, const char* direction, std::size_t bytes,
    bool isPinned, std::size_t streams) {
  MeasurementRow row = context.row("copy", implementation);
  row.bytes = std::int64_t(bytes);
  row.direction = direction;
  row.pinned = isPinned;
  row.streams = std::int64_t(streams);
  return row;
}

/// Copies queued one behind the other on each stream, timed from a common start to a common end.
void measureQueued(
    Context& context, CopyRoom& room, bool isToDevice, std::size_t count,
    std::vector<std::unique_ptr<Stream>>& streams) {
  const char* direction = isToDevice ? "h2d" : "d2h";
  Event ready(false);
  std::vector<std::unique_ptr<Event>> ended;
  for (std::size_t i = 0; i < count; ++i) ended.push_back(std::make_unique<Event>(false));
  context.measure(copyRow(context, "cudaMemcpyAsync", direction, room.bytes, true, count), [&] {
    return context.timer.device(
        [&](long long) {
          if (count == 1) return copy(room, 0, isToDevice, context.stream);
          ready.record(context.stream);
          for (std::size_t i = 0; i < count; ++i) {
            require(cudaStreamWaitEvent(*streams[i], ready, 0), "a wait");
            copy(room, i, isToDevice, *streams[i]);
            ended[i]->record(*streams[i]);
            require(cudaStreamWaitEvent(context.stream, *ended[i], 0), "a wait");
          }
        },
        int(count == 1 ? 1 : 4 * count));
  });
}

/// One copy and the wait for it, by the host's clock.
void measureWaited(Context& context, CopyRoom& room, bool isToDevice, bool isPinned) {
  const char* direction = isToDevice ? "h2d" : "d2h";
  context.measure(
      copyRow(context, "cudaMemcpyAsync_waited", direction, room.bytes, isPinned, 1), [&] {
        return context.timer.host([&](long long) {
          copy(room, 0, isToDevice, context.stream);
          context.stream.synchronise();
        });
      });
}

/// One copy each way at once: how long until both have ended, and how long each took.
void measureBothWays(
    Context& context, CopyRoom& in, CopyRoom& out,
    std::vector<std::unique_ptr<Stream>>& streams) {
  MeasurementRow toDevice = copyRow(context, "both_directions", "h2d", in.bytes, true, 1);
  MeasurementRow toHost = copyRow(context, "both_directions", "d2h", in.bytes, true, 1);
  if (context.file.has(toDevice) && context.file.has(toHost)) return;
  Event fromIn, toIn, fromOut, toOut, ready(false);
  // Enough copies each way that their ends weigh little.
  int count = int(std::max<std::size_t>(4, std::min<std::size_t>(64, (std::size_t(1) << 26) / in.bytes)));
  std::vector<double> backwards;
  Summary forward = context.timer.repeat([&] {
    launch(spinKernel, 1, 1, 0, context.stream, unsigned(20000 + 8000 * count));
    ready.record(context.stream);
    for (auto& stream : streams) require(cudaStreamWaitEvent(*stream, ready, 0), "a wait");
    fromIn.record(*streams[0]);
    fromOut.record(*streams[1]);
    for (int i = 0; i < count; ++i) {
      copy(in, 0, true, *streams[0]);
      copy(out, 0, false, *streams[1]);
    }
    toIn.record(*streams[0]);
    toOut.record(*streams[1]);
    toIn.synchronise();
    toOut.synchronise();
    backwards.push_back(secondsBetween(fromOut, toOut) / count);
    return secondsBetween(fromIn, toIn) / count;
  });
  context.measure(toDevice, [&] { return forward; });
  context.measure(toHost, [&] { return summarise(backwards); });
}

}  // namespace

void measureCopies(Context& context) {
  std::vector<std::size_t> sizes;
  for (std::size_t bytes = 4096; bytes <= std::size_t(1) << 30; bytes *= 4) sizes.push_back(bytes);
  for (const ModelShape& model : context.models) {
    sizes.push_back(std::size_t(model.expertWeights()) * 2);
  }
  if (context.quick) sizes = {4096, 65536, 1 << 20, 1 << 24, 1 << 28};
  if (context.tiny) sizes = {4096, 65536};
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < 4; ++i) streams.push_back(std::make_unique<Stream>());

  for (std::size_t bytes : sizes) {
    if (4 * bytes > freeDeviceMemory() / 2) {
      context.skip("copies of " + std::to_string(bytes) + " bytes", "too little memory");
      continue;
    }
    for (bool isPinned : {true, false}) {
      std::unique_ptr<CopyRoom> room;
      // Room for several at once, as far as the host gives it; one GiB four times is much to lock.
      std::size_t most = isPinned ? (bytes > (std::size_t(256) << 20) ? 1 : 4) : 1;
      try {
        room = std::make_unique<CopyRoom>(bytes, most, isPinned);
      } catch (const std::exception& error) {
        context.skip("copies of " + std::to_string(bytes) + " bytes", error.what());
        continue;
      }
      checkThereAndBack(*room, context.stream);
      for (bool isToDevice : {true, false}) {
        measureWaited(context, *room, isToDevice, isPinned);
        for (std::size_t count = 1; isPinned && count <= most; count *= 2) {
          measureQueued(context, *room, isToDevice, count, streams);
        }
      }
      if (isPinned) {
        CopyRoom other(bytes, 1, true);
        measureBothWays(context, *room, other, streams);
      }
    }
  }
}

}  // namespace calibration
