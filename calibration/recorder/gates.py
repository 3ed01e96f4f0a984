# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the gates of a Mixture-of-Experts model by its structure, and reads what they choose.

A mixture layer is a module with a child `experts` (a list of networks, or one module whose
three-dimensional parameters hold them all) and beside it a child that has a matrix with one row for
each expert. Some gates (Transformers 5) return the choice; others (a plain Linear, Transformers 4)
return scores from which the layer chooses.
"""

from dataclasses import dataclass

import torch


@dataclass
class Gate:
    """A gate, and the experts that it chooses from."""

    name: str
    module: torch.nn.Module
    experts: int
    expert_bytes: int


def _experts_of(module):
    """How many experts a module holds, and the bytes of one; None where it holds none."""
    if isinstance(module, torch.nn.ModuleList):
        if len(module) < 2:
            return None
        return len(module), sum(p.numel() * p.element_size() for p in module[0].parameters())
    count = getattr(module, "num_experts", None)
    stacked = [p for p in module.parameters(recurse=False) if p.dim() == 3]
    if count is None and stacked:
        count = stacked[0].shape[0]
    if isinstance(count, int) and count >= 2:
        return count, sum(p.numel() * p.element_size() for p in module.parameters()) // count
    return None


def find_gates(model):
    """The gates of a model, in the order of its layers."""
    gates = []
    for name, parent in model.named_modules():
        children = dict(parent.named_children())
        if "experts" not in children:
            continue
        found = _experts_of(children["experts"])
        if found is None:
            continue
        count, size = found
        candidates = []
        for child_name, child in children.items():
            if child_name == "experts":
                continue
            rows = [p for p in child.parameters() if p.dim() == 2 and p.shape[0] == count]
            # A gate is a matrix, perhaps with a bias; shared experts have several.
            matrices = [p for p in child.parameters() if p.dim() >= 2]
            if rows and len(matrices) == 1:
                candidates.append((child_name not in ("gate", "router"), child_name, child))
        if candidates:
            _, child_name, child = min(candidates, key=lambda item: item[:2])
            gates.append(Gate(f"{name}.{child_name}", child, count, size))
    if not gates:
        raise ValueError("no mixture layer was found: no module has `experts` and a gate beside it")
    if len({gate.experts for gate in gates}) > 1:
        raise ValueError("layers with different numbers of experts cannot stand in one trace")
    return gates


def configured_top_k(config):
    """How many experts a token uses, as the model's configuration says."""
    for part in (config, getattr(config, "text_config", None), getattr(config, "ffn_config", None)):
        for key in ("num_experts_per_tok", "num_experts_per_token", "moe_top_k", "moe_topk", "top_k_experts"):
            value = getattr(part, key, None)
            if isinstance(value, int) and value > 0:
                return value
    raise ValueError("the configuration does not say how many experts a token uses; give --top-k")


def normalises(config):
    """Whether the weights of chosen experts are made to sum to 1 by the layer."""
    part = getattr(config, "text_config", config)
    return bool(getattr(part, "norm_topk_prob", True))


def chosen(output, experts, top_k, normalise=True):
    """Experts and weights [token][rank], the heaviest first, from what a gate returned."""
    parts = output if isinstance(output, (tuple, list)) else (output,)
    tensors = [part for part in parts if torch.is_tensor(part) and part.dim() >= 2]
    flat = [part.reshape(-1, part.shape[-1]) for part in tensors]
    whole = [part for part in flat if not part.is_floating_point() and part.shape[-1] == top_k]
    if whole:
        index = whole[0].long()
        weights = [part for part in flat if part.is_floating_point() and part.shape == index.shape]
        spread = [part for part in flat if part.is_floating_point() and part.shape[-1] == experts]
        if weights and top_k != experts:
            weight = weights[0]
        elif spread:
            # Scores beside indices: the later tensor is what the layer weighs with.
            weight = spread[-1].gather(1, index)
        elif weights:
            weight = weights[-1]
        else:
            raise ValueError("a gate returned choices without weights")
    else:
        scores = [part for part in flat if part.is_floating_point() and part.shape[-1] == experts]
        if not scores:
            raise ValueError("a gate returned neither choices nor scores of its experts")
        # Of several, -inf marks what was not chosen (Llama 4); the last are the plain scores.
        shares = torch.softmax(scores[-1].float(), dim=-1)
        weight, index = torch.topk(shares, top_k, dim=-1)
        if normalise:
            weight = weight / weight.sum(dim=-1, keepdim=True)
    weight, order = weight.float().sort(dim=-1, descending=True, stable=True)
    return index.gather(1, order), weight


class GateRecorder:
    """Hooks on the gates of a model: keeps each token's choices until they are taken."""

    def __init__(self, model, top_k=None, predictor=None):
        self.gates = find_gates(model)
        self.top_k = top_k or configured_top_k(model.config)
        self.normalise = normalises(model.config)
        self.predictor = predictor
        self.experts = [[] for _ in self.gates]
        self.weights = [[] for _ in self.gates]
        self.is_asking = False
        self.handles = [
            gate.module.register_forward_hook(self._hook(layer), with_kwargs=True)
            for layer, gate in enumerate(self.gates)
        ]
        if predictor is not None:
            predictor.begin(self)

    def _hook(self, layer):
        def hook(module, arguments, keywords, output):
            if self.is_asking:
                return
            index, weight = chosen(output, self.gates[layer].experts, self.top_k, self.normalise)
            self.experts[layer].append(index.to("cpu", torch.int32))
            self.weights[layer].append(weight.to("cpu"))
            if self.predictor is not None:
                hidden = arguments[0] if arguments else next(iter(keywords.values()))
                self.predictor.decided(layer, hidden, index)

        return hook

    def ask(self, layer, hidden):
        """What the gate of a layer would choose for a hidden state: experts [token][rank]."""
        self.is_asking = True
        try:
            with torch.no_grad():
                gate = self.gates[layer]
                parameter = next(gate.module.parameters())
                output = gate.module(hidden.to(parameter.device))
        finally:
            self.is_asking = False
        return chosen(output, gate.experts, self.top_k, self.normalise)[0]

    def take(self):
        """Experts and weights [token][layer][rank] since the last call."""
        if not self.experts[0]:
            raise ValueError("the model ran, but its gates did not")
        experts = torch.stack([torch.cat(parts) for parts in self.experts], dim=1).numpy()
        weights = torch.stack([torch.cat(parts) for parts in self.weights], dim=1).numpy()
        for lists in (self.experts, self.weights):
            for parts in lists:
                parts.clear()
        return experts, weights

    def remove(self):
        for handle in self.handles:
            handle.remove()
