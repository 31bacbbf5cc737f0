"""Small configurations of transformers' architectures, by rules on the names of their fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

VOCABULARY = 512
_LAYERS = 2

_LAYER_FIELDS = frozenset(
    """
    num_hidden_layers num_layers n_layer n_layers encoder_layers decoder_layers num_decoder_layers
    num_encoder_layers depth decoder_num_hidden_layers num_residual_layers num_adapter_layers
    num_block_repeats encoder_num_layers decoder_num_layers num_conv_layers layers
    memory_attention_num_layers decoder_depth num_blocks text_encoder_num_layers
    """.split()  # noqa: SIM905
)

_AT_MOST: Mapping[str, int] = {
    **dict.fromkeys(
        """
        hidden_size d_model n_embd embed_dim hidden_dim dim encoder_hidden_dim decoder_hidden_size
        projection_dim embedding_size hidden_dimension projection_size
        out_hidden_size encoder_embed_dim decoder_embed_dim d_embed text_embed_dim
        projector_hidden_size attention_hidden_size embedding_dim fpn_hidden_size
        conv_hidden_size output_hidden_size pooler_output_size encoder_hidden_size
        """.split(),  # noqa: SIM905
        64,
    ),
    **dict.fromkeys(
        """
        intermediate_size encoder_ffn_dim decoder_ffn_dim ffn_dim d_ff d_inner mlp_dim n_inner
        decoder_intermediate_size shared_intermediate_size shared_expert_intermediate_size
        moe_intermediate_size moe_shared_expert_intermediate_size dense_intermediate_size
        ffn_hidden_size expert_ffn_hidden_size intermediate_size_mlp
        """.split(),  # noqa: SIM905
        64,
    ),
    **dict.fromkeys(
        """
        num_attention_heads n_head n_heads num_heads encoder_attention_heads attention_heads
        decoder_attention_heads decoder_num_attention_heads num_decoder_attention_heads
        num_encoder_attention_heads encoder_num_attention_heads mamba_num_heads
        """.split(),  # noqa: SIM905
        4,
    ),
    **dict.fromkeys(("num_key_value_heads", "num_kv_heads", "decoder_num_key_value_heads"), 2),
    **dict.fromkeys(("head_dim", "attention_head_dim", "d_kv", "global_head_dim"), 16),
    **dict.fromkeys("qk_rope_head_dim qk_nope_head_dim index_head_dim rotary_dim".split(), 8),  # noqa: SIM905
    **dict.fromkeys(("v_head_dim", "qk_head_dim", "q_lora_rank", "kv_lora_rank"), 16),
    **dict.fromkeys(
        [
            "num_experts",
            "n_routed_experts",
            "num_local_experts",
            "moe_num_experts",
            "index_n_heads",
        ],
        4,
    ),
    **dict.fromkeys("num_experts_per_tok moe_topk moe_k top_k moe_top_k".split(), 2),  # noqa: SIM905
    **dict.fromkeys("n_group topk_group first_k_dense_replace n_shared_experts".split(), 1),  # noqa: SIM905
    **dict.fromkeys(("sliding_window", "attention_window", "local_attention"), 8),
    **dict.fromkeys(("vocab_size", "text_vocab_size", "entity_vocab_size"), VOCABULARY),
    "max_position_embeddings": 128,
    "n_positions": 128,
    "num_queries": 16,
    "max_source_positions": 64,
    "num_frames": 4,
    "codebook_size": 64,
    "num_query_tokens": 4,
    "base_channels": 32,
    "max_text_length": 4,
    "context_length": 128,
    "mamba_n_heads": 8,
    "mamba_d_ssm": 128,
    "mamba_d_state": 16,
    "mamba_chunk_size": 8,
}
"""Field -> the largest value that is let through."""


_ALIKE = (("head_dim", "qk_rope_head_dim"), ("num_attention_heads", "num_key_value_heads"))
"""Fields that stay equal where they are equal by default."""


def small(config: Any) -> dict[str, Any]:
    """Arguments of the configuration's class that make it small; sub-configurations as dicts.

    Args:
        config: The default configuration.
    """
    found: dict[str, Any] = {}
    for name, value in config.to_dict().items():
        made = smaller(name, value)
        if made is not None and made != value:
            found[name] = made
    for name in getattr(config, "sub_configs", {}):
        inner = getattr(config, name, None)
        if inner is not None and hasattr(inner, "to_dict"):
            found[name] = {"model_type": inner.model_type, **small(inner)}
    return _consistent(config, found)


def small_in_three(config: Any) -> dict[str, Any]:
    """As `small`, for rotary embeddings in three parts whose sizes the code has by default."""
    return _in_three(config, small(config))


def _in_three(config: Any, found: dict[str, Any]) -> dict[str, Any]:
    rope = getattr(config, "rope_parameters", None)
    if isinstance(rope, dict):
        found["rope_parameters"] = {**rope, "mrope_section": [2, 3, 3]}
    for name in getattr(config, "sub_configs", {}):
        if isinstance(found.get(name), dict):
            _in_three(getattr(config, name), found[name])
    return found


def shallow(config: Any) -> dict[str, Any]:
    """Arguments that only take away layers and words, where `small` is no model."""
    found: dict[str, Any] = {
        name: min(value, _LAYERS)
        for name, value in config.to_dict().items()
        if name in _LAYER_FIELDS and isinstance(value, int)
    }
    for name in getattr(config, "sub_configs", {}):
        inner = getattr(config, name, None)
        if inner is not None and hasattr(inner, "to_dict"):
            found[name] = {"model_type": inner.model_type, **shallow(inner)}
    return found


def smaller(name: str, value: Any) -> Any:
    """The smaller value of a field, None where there is none."""
    if name == "vocab_size" and value is None:
        return VOCABULARY
    if isinstance(value, bool) or value is None:
        return None
    if name == "attention_types":
        return [[kinds, _LAYERS // len(kinds)] for kinds, _ in value]
    if name in _LAYER_FIELDS and isinstance(value, int):
        return min(value, _LAYERS)
    if name in _AT_MOST and isinstance(value, int):
        return min(value, _AT_MOST[name])
    if name.endswith(("token_id", "token_index")) and isinstance(value, int):
        return _token(name, value)
    if name in ("depths", "num_blocks_per_stage") and isinstance(value, Sequence):
        return [min(each, 2) if isinstance(each, int) else each for each in value]
    if name == "conv_dim" and isinstance(value, Sequence):
        return [32] * len(value)
    return None


def _token(name: str, value: int) -> int:
    """A token of the small vocabulary, another one for every field."""
    if value < VOCABULARY:
        return value
    return VOCABULARY - 1 - sum(map(ord, name)) % 64


def _consistent(config: Any, found: dict[str, Any]) -> dict[str, Any]:
    """What goes together: layer types with layers, sections of a rotary embedding with a head."""
    given = config.to_dict()
    layers = next((found[name] for name in ("num_hidden_layers", "num_layers") if name in found), 0)
    for name, value in given.items():
        if layers and name.endswith("layer_types") and isinstance(value, list) and value:
            kinds = list(dict.fromkeys(value))
            found[name] = (kinds * layers)[: max(layers, len(kinds))]
            found["num_hidden_layers"] = len(found[name])
    for name, other in _ALIKE:
        if given.get(name) and given.get(name) == given.get(other):
            found[name] = found[other] = min(_AT_MOST[name], _AT_MOST[other], given[name])
    for name in ("rope_parameters", "rope_scaling"):
        rope = given.get(name)
        if isinstance(rope, dict) and "mrope_section" in rope:
            head = found.get("head_dim") or 16
            whole = sum(rope["mrope_section"])
            parts = [each * head // 2 // whole for each in rope["mrope_section"]]
            parts[0] += head // 2 - sum(parts)
            found[name] = {**rope, "mrope_section": parts}
    image, patch = given.get("image_size"), given.get("patch_size")
    if isinstance(image, int) and isinstance(patch, int):
        found["image_size"] = min(image, 4 * patch)
    return found
