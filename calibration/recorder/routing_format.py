# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the binary format of routing traces that docs/routing-format.md describes, version 1."""

import os
import struct

import numpy

HEADER_BYTES = 128
INDEX_ENTRY = struct.Struct("<QIIIIQ")


class RoutingWriter:
    """A trace under way. Without `close` the file has no mark, and readers refuse it."""

    def __init__(
        self, path, layers, experts, top_k, expert_bytes=None, origin="", has_weights=True,
        is_ranked=True):
        if not (1 <= layers <= 4096 and 1 <= experts <= 65536 and 1 <= top_k <= min(256, experts)):
            raise ValueError(f"{layers} layers of {experts} experts, {top_k} chosen: out of range")
        if expert_bytes is not None and len(expert_bytes) != layers:
            raise ValueError("one size of experts for each layer is expected")
        self.layers, self.experts, self.top_k = layers, experts, top_k
        self.expert_bytes, self.origin = expert_bytes, origin.encode()
        self.number = numpy.dtype("<u1" if experts <= 256 else "<u2")
        self.weight = numpy.dtype("<f2")
        self.has_weights, self.is_ranked = has_weights, is_ranked
        self.sequences = []
        self.tokens = 0
        self.file = open(path, "wb")
        self.file.write(bytes(HEADER_BYTES))

    @property
    def record_bytes(self):
        weight = self.weight.itemsize if self.has_weights else 0
        return self.layers * self.top_k * (self.number.itemsize + weight)

    def add(self, experts, weights, prompt_tokens):
        """Adds a sequence: arrays [token][layer][rank], prompt records first.

        The heaviest come first where the trace is ranked; `weights` is None where it has none.
        """
        experts = numpy.asarray(experts)
        if (weights is not None) != self.has_weights:
            raise ValueError("weights are given where the trace has them, and nowhere else")
        weights = numpy.asarray(
            numpy.zeros(experts.shape) if weights is None else weights, dtype=numpy.float32)
        count = experts.shape[0]
        shape = (count, self.layers, self.top_k)
        if experts.shape != shape or weights.shape != shape or not 0 <= prompt_tokens <= count:
            raise ValueError(f"choices of shape {experts.shape} and {weights.shape}; {shape} is expected")
        if experts.min(initial=0) < 0 or experts.max(initial=0) >= self.experts:
            raise ValueError("an expert out of range")
        ordered = numpy.sort(experts, axis=2)
        if (ordered[:, :, 1:] == ordered[:, :, :-1]).any():
            raise ValueError("a token chose an expert twice")
        if not numpy.isfinite(weights).all() or (weights < 0).any():
            raise ValueError("a gate weight is negative or not finite")
        if (weights > numpy.finfo(self.weight).max).any():
            raise ValueError("a gate weight does not fit in half precision")
        for token in range(count):
            self.file.write(experts[token].astype(self.number).tobytes())
            if self.has_weights:
                self.file.write(weights[token].astype(self.weight).tobytes())
        self.sequences.append((self.tokens, prompt_tokens, count - prompt_tokens, prompt_tokens))
        self.tokens += count

    def close(self):
        """Writes the index and the header, with the mark last."""
        index_at = self.file.tell()
        for first, prompt, output, prompt_tokens in self.sequences:
            self.file.write(INDEX_ENTRY.pack(first, prompt, output, prompt_tokens, 0, 0))
        sizes_at = 0
        if self.expert_bytes is not None:
            sizes_at = self.file.tell()
            self.file.write(struct.pack(f"<{self.layers}q", *self.expert_bytes))
        origin_at = self.file.tell()
        self.file.write(self.origin)
        header = struct.pack(
            "<HHBBBBIIIIQQQQQQQ", 1, HEADER_BYTES, self.number.itemsize,
            int(self.has_weights), int(self.is_ranked), 0, self.layers,
            self.experts, self.top_k, self.record_bytes, self.tokens, len(self.sequences),
            HEADER_BYTES, index_at, sizes_at, origin_at, len(self.origin))
        self.file.seek(8)
        self.file.write(header)
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.seek(0)
        self.file.write(b"MOESIMRT")
        self.file.close()
