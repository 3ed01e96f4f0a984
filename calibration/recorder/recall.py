# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures how well a layer's experts are foretold in the layers before it.

The recall at a distance is the share of a token's experts that are among as many that were predicted
for it that many layers before; it is what `policy.prediction.recall` means.
"""

import datetime
import importlib.util
import os

import torch


def gate_prediction(recorder, hidden, layer, target):
    """The speculative gate: the target layer's gate, applied to the input of this layer's."""
    return recorder.ask(target, hidden)


def loaded_prediction(reference):
    """A function from FILE.py:NAME, with the arguments of `gate_prediction`."""
    path, _, name = reference.rpartition(":")
    if not path or not name:
        raise ValueError("--predictor is `gate` or FILE.py:FUNCTION")
    spec = importlib.util.spec_from_file_location("moesim_predictor", path)
    if spec is None or not os.path.exists(path):
        raise ValueError(f"cannot read {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


class RecallMeter:
    """Counts, by layer and distance, what was foretold rightly; prompt and output tokens apart."""

    def __init__(self, predict, distance):
        self.predict, self.distance = predict, distance
        self.prompt_left = 0

    def begin(self, recorder):
        self.recorder = recorder
        layers = len(recorder.gates)
        # [kind][target layer][distance]: choices, and those that were foretold.
        self.total = torch.zeros(2, layers, self.distance + 1, dtype=torch.int64)
        self.right = torch.zeros(2, layers, self.distance + 1, dtype=torch.int64)
        self.pending = {}

    def begin_sequence(self, prompt_tokens):
        self.prompt_left = prompt_tokens
        self.pending.clear()

    def decided(self, layer, hidden, index):
        tokens = index.shape[0]
        prompt = min(tokens, self.prompt_left)
        for distance in range(1, self.distance + 1):
            guess = self.pending.pop((layer, distance), None)
            if guess is None or guess.shape[0] != tokens:
                continue
            found = (index.to(guess.device)[:, :, None] == guess[:, None, :]).any(dim=2).sum(dim=1)
            for kind, part in ((0, found[:prompt]), (1, found[prompt:])):
                self.total[kind, layer, distance] += part.numel() * index.shape[1]
                self.right[kind, layer, distance] += int(part.sum())
        for distance in range(1, self.distance + 1):
            if layer + distance < len(self.recorder.gates):
                guess = self.predict(self.recorder, hidden, layer, layer + distance)
                self.pending[(layer + distance, distance)] = guess.reshape(tokens, -1)
        if layer == len(self.recorder.gates) - 1:
            self.prompt_left -= prompt

    def kind(self):
        """1, output tokens, where there are any; else 0, prompt tokens."""
        return 1 if int(self.total[1].sum()) > 0 else 0

    def recalls(self):
        """The recall of each distance, over all layers."""
        kind = self.kind()
        total, right = self.total[kind].sum(dim=0), self.right[kind].sum(dim=0)
        return [
            float(right[d]) / float(total[d]) for d in range(1, self.distance + 1) if int(total[d]) > 0
        ]

    def by_layer(self):
        """(layer, distance, recall, choices) of each that was measured."""
        kind = self.kind()
        for layer in range(self.total.shape[1]):
            for distance in range(1, self.distance + 1):
                total = int(self.total[kind, layer, distance])
                if total > 0:
                    yield layer, distance, int(self.right[kind, layer, distance]) / total, total

    def preset(self, name, source):
        """A policy preset with the measured recalls; per layer, they stand in comments."""
        recalls = self.recalls()
        if not recalls:
            raise ValueError("no prediction was made: is the distance larger than the model is deep?")
        listed = ", ".join(f"{recall:.4f}" for recall in recalls)
        tokens = "output tokens" if self.kind() == 1 else "prompt tokens"
        lines = [
            "# SPDX-License-Identifier: GPL-3.0-or-later",
            f"name: {name}",
            "summary: LRU; experts are fetched ahead as a measured predictor names them.",
            f"source: {quoted(source)}",
            "eviction: lru",
            f"# Measured on {tokens}, {datetime.date.today().isoformat()}: the share of a token's experts",
            "# that was foretold, for each distance, over all layers.",
            f"prediction: {{name: recall, recall: [{listed}]}}",
            f"prefetch: {{name: predicted, depth: {len(recalls)}}}",
            "# By layer (of the predicted experts, counted among the MoE layers) and distance:",
            "#   layer  distance  recall  choices",
        ]
        for layer, distance, recall, total in self.by_layer():
            lines.append(f"#   {layer:5d}  {distance:8d}  {recall:6.4f}  {total:7d}")
        return "\n".join(lines) + "\n"


def quoted(text):
    """A YAML scalar in double quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'
