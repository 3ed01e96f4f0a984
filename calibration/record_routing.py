#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records which experts a Transformers model chooses for the prompts of a file.

    python3 calibration/record_routing.py MODEL --prompts FILE --out TRACE.moesim
    moesim trace inspect TRACE.moesim

MODEL is a folder or a name that Transformers can load. docs/record-routing.md says more.
"""

import argparse
import datetime
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("model", help="folder or name of a Transformers model")
    parser.add_argument(
        "--prompts", help="text with a prompt a line, or JSON Lines with \"prompt\" and perhaps \"tokens\"")
    parser.add_argument("--random-prompts", type=int, metavar="N", help="instead, N prompts of random tokens")
    parser.add_argument("--prompt-length", type=int, default=32, help="tokens of random prompts (32)")
    parser.add_argument("--out", required=True, help="the trace to write")
    parser.add_argument("--max-new-tokens", type=int, default=128, help="output tokens of each prompt (128)")
    parser.add_argument("--max-prompt-tokens", type=int, help="longer prompts are cut at their end")
    parser.add_argument("--limit", type=int, help="the first so many prompts alone")
    parser.add_argument("--sample", action="store_true", help="sample instead of taking the likeliest token")
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ignore-end", action="store_true", help="go on after the end-of-text token")
    parser.add_argument("--dtype", default="auto", help="auto, bfloat16, float16, float32")
    parser.add_argument("--device-map", default=None, help="as in Transformers, \"auto\" with accelerate")
    parser.add_argument("--top-k", type=int, help="experts of a token, where the configuration does not say")
    parser.add_argument("--trust-remote-code", action="store_true")
    parser.add_argument(
        "--predictor", help="also measure a predictor: `gate` (the speculative gate) or FILE.py:FUNCTION")
    parser.add_argument("--distance", type=int, default=1, help="layers ahead that are predicted, at most (1)")
    parser.add_argument("--recall-out", help="the preset with measured recalls (OUT with .recall.yaml)")
    return parser.parse_args()


def prompts(options, tokenizer, vocabulary, generator):
    """Token numbers of each prompt."""
    import torch

    if options.random_prompts is not None:
        for _ in range(options.random_prompts):
            yield torch.randint(0, vocabulary, (options.prompt_length,), generator=generator).tolist()
        return
    if options.prompts is None:
        raise ValueError("--prompts FILE or --random-prompts N is needed")
    with open(options.prompts, encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            line = line.strip()
            if not line:
                continue
            if options.prompts.endswith((".jsonl", ".json")):
                item = json.loads(line)
                if "tokens" in item:
                    yield item["tokens"]
                    continue
                if "prompt" not in item:
                    raise ValueError(f"{options.prompts}:{number}: neither \"prompt\" nor \"tokens\"")
                line = item["prompt"]
            if tokenizer is None:
                raise ValueError("the model has no tokenizer; give prompts as \"tokens\"")
            yield tokenizer(line)["input_ids"]


def load(options):
    """The model and, where it has one, its tokenizer."""
    import torch
    import transformers

    dtype = options.dtype if options.dtype == "auto" else getattr(torch, options.dtype)
    keywords = {"trust_remote_code": options.trust_remote_code}
    if options.device_map is not None:
        keywords["device_map"] = options.device_map
    # The keyword was torch_dtype before Transformers 4.56.
    version = tuple(int(part) for part in transformers.__version__.split(".")[:2])
    keywords["dtype" if version >= (4, 56) else "torch_dtype"] = dtype
    model = transformers.AutoModelForCausalLM.from_pretrained(options.model, **keywords).eval()
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            options.model, trust_remote_code=options.trust_remote_code)
    except (OSError, ValueError, KeyError):
        tokenizer = None
    return model, tokenizer


def record(model, sequences, writer, recorder, meter, options, progress):
    """Runs each prompt and what follows it, and writes each token's choices."""
    import torch

    device = next(model.parameters()).device
    for number, tokens in enumerate(sequences):
        if options.limit is not None and number >= options.limit:
            break
        if options.max_prompt_tokens is not None:
            tokens = tokens[: options.max_prompt_tokens]
        if not tokens:
            continue
        if meter is not None:
            meter.begin_sequence(len(tokens))
        keywords = {"do_sample": options.sample, "max_new_tokens": options.max_new_tokens, "use_cache": True}
        if options.sample:
            keywords["temperature"] = options.temperature
        if options.ignore_end:
            keywords["min_new_tokens"] = options.max_new_tokens
        if getattr(model.generation_config, "pad_token_id", None) is None:
            keywords["pad_token_id"] = 0
        input_ids = torch.tensor([tokens], device=device)
        with torch.no_grad():
            model.generate(input_ids, attention_mask=torch.ones_like(input_ids), **keywords)
        experts, weights = recorder.take()
        if experts.shape[0] < len(tokens):
            raise ValueError(f"{experts.shape[0]} rows were computed for {len(tokens)} prompt tokens")
        writer.add(experts, weights, len(tokens))
        progress(f"\r{len(writer.sequences)} sequences, {writer.tokens} tokens")
    progress("\n")
    if not writer.sequences:
        raise ValueError("no prompt was given")


def main():
    options = arguments()
    try:
        import torch
        import transformers
    except ImportError as error:
        sys.exit(f"record_routing: {error.name} is not installed (pip install torch transformers)")
    from recorder.gates import GateRecorder
    from recorder.recall import RecallMeter, gate_prediction, loaded_prediction
    from recorder.routing_format import RoutingWriter

    torch.manual_seed(options.seed)
    generator = torch.Generator().manual_seed(options.seed)
    try:
        if options.distance < 1 or options.max_new_tokens < 1:
            raise ValueError("--distance and --max-new-tokens are at least 1")
        model, tokenizer = load(options)
        meter = None
        if options.predictor is not None:
            predict = gate_prediction if options.predictor == "gate" else loaded_prediction(options.predictor)
            meter = RecallMeter(predict, options.distance)
        recorder = GateRecorder(model, options.top_k, meter)
        vocabulary = getattr(model.config, "vocab_size", None) or model.get_input_embeddings().weight.shape[0]
        origin = (
            f"calibration/record_routing.py: {options.model}, Transformers {transformers.__version__}, "
            f"{options.prompts or 'random prompts'}, {datetime.date.today().isoformat()}")
        writer = RoutingWriter(
            options.out, len(recorder.gates), recorder.gates[0].experts, recorder.top_k,
            [gate.expert_bytes for gate in recorder.gates], origin)
        print(
            f"{len(recorder.gates)} MoE layers, {recorder.gates[0].experts} experts, top-{recorder.top_k};"
            f" gates {recorder.gates[0].name} … {recorder.gates[-1].name}", file=sys.stderr)
        progress = lambda text: print(text, end="", file=sys.stderr, flush=True)
        record(
            model, prompts(options, tokenizer, vocabulary, generator), writer, recorder, meter, options,
            progress)
        writer.close()
        if meter is not None:
            path = options.recall_out or os.path.splitext(options.out)[0] + ".recall.yaml"
            name = os.path.basename(path).split(".")[0]
            with open(path, "w", encoding="utf-8") as file:
                file.write(meter.preset(name, f"{origin}; predictor {options.predictor}"))
            listed = ", ".join(f"{recall:.3f}" for recall in meter.recalls())
            print(f"recall by distance: {listed}; preset {path}", file=sys.stderr)
    except (ValueError, OSError) as error:
        sys.exit(f"record_routing: {error}")


if __name__ == "__main__":
    main()
