# SPDX-License-Identifier: GPL-3.0-or-later
"""Records tiny models with drawn weights, and reads the traces again.

    python3 -m unittest discover calibration/tests

Skipped where PyTorch or Transformers is not installed. With MOESIM naming the program, it reads the
traces as well.
"""

import os
import struct
import subprocess
import sys
import tempfile
import unittest

FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, FOLDER)

try:
    import numpy
    import torch
    import transformers
except ImportError as error:
    MISSING = error.name
else:
    MISSING = None

SMALL = dict(
    hidden_size=32, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2, vocab_size=64,
    max_position_embeddings=128, head_dim=8, bos_token_id=None, eos_token_id=None, pad_token_id=None)

# Type of configuration, its own keys, and what is expected: MoE layers, experts, top-k.
MODELS = {
    "mixtral": (dict(intermediate_size=48, num_local_experts=8, num_experts_per_tok=2), (4, 8, 2)),
    "qwen2_moe": (
        dict(intermediate_size=64, moe_intermediate_size=16, shared_expert_intermediate_size=24,
             num_experts=8, num_experts_per_tok=3), (4, 8, 3)),
    "qwen3_moe": (
        dict(intermediate_size=64, moe_intermediate_size=16, num_experts=16, num_experts_per_tok=4,
             mlp_only_layers=[0], norm_topk_prob=True), (3, 16, 4)),
    "olmoe": (dict(intermediate_size=16, num_experts=8, num_experts_per_tok=4), (4, 8, 4)),
    "deepseek_v3": (
        dict(intermediate_size=64, moe_intermediate_size=16, n_routed_experts=8, num_experts_per_tok=2,
             n_shared_experts=1, first_k_dense_replace=1, n_group=2, topk_group=1, kv_lora_rank=16,
             q_lora_rank=16, qk_nope_head_dim=8, qk_rope_head_dim=8, v_head_dim=8,
             num_key_value_heads=4, head_dim=8), (3, 8, 2)),
    "gpt_oss": (
        dict(intermediate_size=32, num_local_experts=8, num_experts_per_tok=2, sliding_window=16,
             layer_types=["full_attention"] * 4), (4, 8, 2)),
}


def tiny(kind):
    """A model of a kind with drawn weights, whose gates tell experts apart."""
    torch.manual_seed(5)
    config = transformers.AutoConfig.for_model(kind, **{**SMALL, **MODELS[kind][0]})
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() >= 2:
                parameter.normal_(0, 0.2)
    return model


def read(path):
    """The parts of a trace, read as docs/routing-format.md describes them."""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:8] == b"MOESIMRT", data[:8]
    fields = struct.unpack_from("<HHBBBBIIIIQQQQQQQ", data, 8)
    version, _, width, kind, ranked, _, layers, experts, top_k, record = fields[:10]
    tokens, sequences, start, index_at, sizes_at, origin_at, origin = fields[10:]
    assert (version, kind, ranked) == (1, 1, 1)
    assert record == layers * top_k * (width + 2)
    choices, weights = [], []
    for token in range(tokens):
        at = start + token * record
        count = layers * top_k
        choices.append(numpy.frombuffer(data, f"<u{width}", count, at).reshape(layers, top_k))
        weights.append(numpy.frombuffer(data, "<f2", count, at + count * width).reshape(layers, top_k))
    index = [struct.unpack_from("<QIIIIQ", data, index_at + 32 * i)[:4] for i in range(sequences)]
    sizes = struct.unpack_from(f"<{layers}q", data, sizes_at)
    return dict(
        shape=(layers, experts, top_k), experts=numpy.array(choices), weights=numpy.array(weights),
        index=index, sizes=sizes, origin=data[origin_at:origin_at + origin].decode())


@unittest.skipIf(MISSING, f"{MISSING} is not installed")
class RecordRoutingTests(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def run_program(self, *arguments):
        command = [sys.executable, os.path.join(FOLDER, "record_routing.py"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=600)

    def record(self, kind, *more):
        tiny(kind).save_pretrained(self.path(kind))
        result = self.run_program(
            self.path(kind), "--random-prompts", "3", "--prompt-length", "7", "--max-new-tokens", "5",
            "--ignore-end", "--dtype", "float32", "--out", self.path("trace.moesim"), *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def test_traces_hold_what_gates_choose(self):
        for kind, (_, shape) in MODELS.items():
            with self.subTest(kind):
                self.record(kind)
                trace = read(self.path("trace.moesim"))
                self.assertEqual(trace["shape"], shape)
                # The last token that is generated is not computed.
                self.assertEqual(trace["index"], [(0, 7, 4, 7), (11, 7, 4, 7), (22, 7, 4, 7)])
                self.check_against_forward(tiny(kind), trace)

    def check_against_forward(self, model, trace):
        """One forward pass over the first prompt must choose what its records say."""
        from recorder.gates import GateRecorder

        tokens = torch.randint(0, 64, (7,), generator=torch.Generator().manual_seed(1))
        recorder = GateRecorder(model)
        with torch.no_grad():
            model(tokens[None])
        experts, weights = recorder.take()
        recorder.remove()
        numpy.testing.assert_array_equal(trace["experts"][:7], experts)
        numpy.testing.assert_allclose(trace["weights"][:7], weights, atol=2e-3)
        self.assertTrue((numpy.diff(weights, axis=2) <= 0).all())
        # Experts are as large as their parameters.
        block = next(m for m in model.modules() if "experts" in dict(m.named_children()))
        total = sum(p.numel() * p.element_size() for p in block.experts.parameters())
        self.assertEqual(trace["sizes"][0] * trace["shape"][1], total)

    def test_choices_are_those_of_the_gate_matrix(self):
        """Mixtral's choice, computed here from its input and matrix alone."""
        model = tiny("mixtral")
        from recorder.gates import GateRecorder

        recorder = GateRecorder(model)
        inputs = []
        gate = recorder.gates[2].module
        gate.register_forward_pre_hook(lambda module, arguments: inputs.append(arguments[0]))
        with torch.no_grad():
            model(torch.arange(9)[None])
        experts, weights = recorder.take()
        scores = inputs[0].reshape(9, -1) @ gate.weight.T
        expected = scores.topk(2, dim=-1)
        numpy.testing.assert_array_equal(experts[:, 2], expected.indices.numpy())
        numpy.testing.assert_allclose(
            weights[:, 2], torch.softmax(expected.values, dim=-1).detach().numpy(), atol=1e-5)

    def test_linear_gates_of_older_versions(self):
        """A block whose gate is a Linear and whose experts are a list."""
        from recorder.gates import GateRecorder

        class Block(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.gate = torch.nn.Linear(6, 4, bias=False)
                self.experts = torch.nn.ModuleList(torch.nn.Linear(6, 6, bias=False) for _ in range(4))
                self.shared_expert_gate = torch.nn.Linear(6, 1)

            def forward(self, x):
                return self.gate(x)

        model = Block()
        model.config = transformers.PretrainedConfig(num_experts_per_tok=2, norm_topk_prob=False)
        recorder = GateRecorder(wrap(model))
        with torch.no_grad():
            scores = model(torch.randn(5, 6))
        experts, weights = recorder.take()
        shares = torch.softmax(scores, dim=-1).topk(2, dim=-1)
        numpy.testing.assert_array_equal(experts[:, 0], shares.indices.numpy())
        numpy.testing.assert_allclose(weights[:, 0], shares.values.numpy(), atol=1e-6)
        self.assertEqual(recorder.gates[0].expert_bytes, 6 * 6 * 4)

    def test_recall_of_the_speculative_gate(self):
        """Against a count made here, from inputs and matrices."""
        from recorder.gates import GateRecorder
        from recorder.recall import RecallMeter, gate_prediction

        model = tiny("mixtral")
        meter = RecallMeter(gate_prediction, 2)
        recorder = GateRecorder(model, predictor=meter)
        inputs = [[] for _ in recorder.gates]
        for layer, gate in enumerate(recorder.gates):
            def hook(module, arguments, layer=layer):
                if not recorder.is_asking:
                    inputs[layer].append(arguments[0])
            gate.module.register_forward_pre_hook(hook)
        meter.begin_sequence(9)
        with torch.no_grad():
            model(torch.arange(9)[None])
        experts, _ = recorder.take()
        for distance in (1, 2):
            right = total = 0
            for layer in range(len(recorder.gates) - distance):
                matrix = recorder.gates[layer + distance].module.weight
                guess = (inputs[layer][0].reshape(9, -1) @ matrix.T).topk(2, dim=-1).indices
                for token in range(9):
                    right += len(set(guess[token].tolist()) & set(experts[token, layer + distance].tolist()))
                    total += 2
            self.assertAlmostEqual(meter.recalls()[distance - 1], right / total)

    def test_a_perfect_and_a_useless_predictor(self):
        with open(self.path("predictors.py"), "w") as file:
            file.write(
                "import torch\n"
                "def same(recorder, hidden, layer, target):\n"
                "    return recorder.ask(target, hidden)\n"
                "def nothing(recorder, hidden, layer, target):\n"
                "    return torch.full((hidden.reshape(-1, hidden.shape[-1]).shape[0], 1), -1)\n")
        self.record(
            "mixtral", "--predictor", self.path("predictors.py") + ":nothing", "--recall-out",
            self.path("none.yaml"))
        with open(self.path("none.yaml")) as file:
            self.assertIn("prediction: {name: recall, recall: [0.0000]}", file.read())
        self.record("mixtral", "--predictor", "gate", "--recall-out", self.path("gate.yaml"))
        self.record(
            "mixtral", "--predictor", self.path("predictors.py") + ":same", "--recall-out",
            self.path("same.yaml"))
        lines = []
        for name in ("gate.yaml", "same.yaml"):
            with open(self.path(name)) as file:
                lines.append(next(line for line in file if line.startswith("prediction")))
        self.assertEqual(lines[0], lines[1])
        self.assertNotIn("0.0000", lines[0])

    def test_moesim_reads_trace_and_preset(self):
        program = os.environ.get("MOESIM")
        if not program:
            self.skipTest("MOESIM does not name the program")
        self.record("olmoe", "--predictor", "gate", "--distance", "2")
        inspected = subprocess.run(
            [program, "trace", "inspect", self.path("trace.moesim")], capture_output=True, text=True)
        self.assertEqual(inspected.returncode, 0, inspected.stderr)
        self.assertRegex(inspected.stdout, r"shape experts +8\n")
        self.assertRegex(inspected.stdout, r"prefill tokens +21\n")
        self.assertRegex(inspected.stdout, r"decode tokens +12\n")
        simulated = subprocess.run(
            [program, "simulate", "quickstart", "--no-progress", "--set", "workload.requests=2", "--set",
             f"policy={self.path('trace.recall.yaml')}"], capture_output=True, text=True)
        self.assertEqual(simulated.returncode, 0, simulated.stderr)

    def test_traces_without_weights(self):
        """As other programs' records are written: numbers beyond a byte, neither weights nor ranks."""
        from recorder.routing_format import RoutingWriter

        path = self.path("plain.moesim")
        choices = numpy.array([[[3, 299], [7, 0]], [[1, 2], [5, 4]], [[9, 8], [6, 256]]])
        writer = RoutingWriter(path, 2, 300, 2, has_weights=False, is_ranked=False)
        writer.add(choices, None, 1)
        for wrong in (choices + 1, choices[:, :, :1], choices * 0):
            with self.assertRaises(ValueError):
                writer.add(wrong, None, 1)
        with self.assertRaises(ValueError):
            writer.add(choices, numpy.ones(choices.shape), 1)
        writer.close()
        with open(path, "rb") as file:
            data = file.read()
        self.assertEqual(tuple(data[12:16]), (2, 0, 0, 0))
        self.assertEqual(struct.unpack_from("<I", data, 28)[0], 8)
        numpy.testing.assert_array_equal(numpy.frombuffer(data, "<u2", 12, 128), choices.reshape(-1))
        program = os.environ.get("MOESIM")
        if program:
            inspected = subprocess.run(
                [program, "trace", "inspect", path], capture_output=True, text=True)
            self.assertRegex(inspected.stdout, r"decode tokens +2\n", inspected.stderr)

    def test_mistakes_are_told(self):
        result = self.run_program(self.path("absent"), "--random-prompts", "1", "--out", self.path("t"))
        self.assertNotEqual(result.returncode, 0)
        tiny("mixtral").save_pretrained(self.path("mixtral"))
        result = self.run_program(self.path("mixtral"), "--out", self.path("t.moesim"))
        self.assertIn("--prompts FILE", result.stderr)
        # What was not finished has no mark.
        with open(self.path("t.moesim"), "rb") as file:
            self.assertNotEqual(file.read(8), b"MOESIMRT")


def wrap(block):
    """A model around a block."""
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = block
            self.config = block.config

    return Model()


if __name__ == "__main__":
    unittest.main()
