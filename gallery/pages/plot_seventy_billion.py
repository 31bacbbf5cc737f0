"""
A 70-billion-parameter model on a laptop
========================================

The weights of a Llama of 70 billion parameters take 141 GB. Its graph takes none of them: on
PyTorch's meta device a tensor has a type and no storage, and that is all that capturing, counting,
planning and drawing need.
"""

import resource
import time

import torch
import transformers

import graphlens

# %%
# The configuration of the 70-billion-parameter model, in the precision in which it is served, and a
# prompt of 2,048 tokens:

config = transformers.LlamaConfig(
    hidden_size=8192,
    intermediate_size=28672,
    num_hidden_layers=80,
    num_attention_heads=64,
    num_key_value_heads=8,
    vocab_size=128256,
    use_cache=False,
)
with torch.device("meta"):
    model = transformers.LlamaForCausalLM(config).eval().to(torch.bfloat16)
    prompt = torch.zeros(1, 2048, dtype=torch.int64)

started = time.process_time()
graph = graphlens.capture(model, prompt)
print(f"{sum(each.numel() for each in model.parameters()) / 1e9:.1f} billion parameters")
print(graph, f"in {time.process_time() - started:.0f} CPU seconds")

# %%
# The picture
# -----------
# Eighty layers that are one layer, drawn once.

graphlens.draw(graph, "llama_70b.svg")

# %%
# What it would cost
# ------------------
# Without weights nothing can be run, so the passes do what needs no values, and what they do is
# marked as not proven. FLOPs, traffic and memory are known all the same.

history = graphlens.optimize(graph, prove=False)
print(history)

plan = graphlens.plan_memory(history.after)
print(plan)

# %%
# The peak is where few would look for it: not in attention, but in the logits of all positions at
# the very end.

held = history.after
largest = max(plan.lifetimes, key=lambda value: plan.lifetimes[value].nbytes)
print(
    "at step",
    plan.peak_step,
    "of",
    len(plan.order),
    "- the largest tensor is",
    held.type_of(largest),
)

# %%
# All of this took this much memory of the machine:

peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print(f"{peak:.2f} GB")
