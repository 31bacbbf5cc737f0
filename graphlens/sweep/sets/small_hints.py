"""Fields of configurations, by model type, that no rule on their names could know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ROPE = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [3, 3, 2]}

_STRIPES = {
    f"{way}_{ratio}": [[side if axis in axes else 1 for axis in (0, 1)], [1, 1],
                       [side // 2 if axis in axes else 0 for axis in (0, 1)]]
    for way, axes in (
        ("vertical_long_to_small_conv", (0,)),
        ("horizontal_small_to_long_conv", (1,)),
        ("symmetric_conv_long", (0, 1)),
    )
    for ratio, side in (("longratio", 7), ("midratio", 5), ("shortratio", 3))
}  # fmt: skip
"""Kernel, stride and padding of each convolution of PP-OCR's blocks."""

_DETECTOR = {
    "intraclass_block_config": {
        "reduce_channel": [1, 1, 0],
        "return_channel": [1, 1, 0],
        **_STRIPES,
    },
    "scale_factor_list": [1, 2, 4, 8],
    "kernel_list": [3, 2, 2],
}

_STAGES = {
    "backbone_config": {
        "model_type": "pp_lcnet_v4",
        "stem_channels": [3, 12, 24],
        "block_configs": [
            [[3, 24, 24, 1, True]],
            [[3, 24, 48, 2, False]],
            [[3, 48, 96, 2, False]],
            [[3, 96, 192, 2, True]],
        ],
        "out_features": ["stage1", "stage2", "stage3", "stage4"],
    },
    "layer_list_out_channels": [24, 48, 96, 192],
}
"""A backbone that halves an image at every stage, as what reads it takes for granted."""

_EFFICIENT = {
    "width_coefficient": 1.0,
    "depth_coefficient": 0.5,
    "hidden_dim": 1280,
    "image_size": 64,
}

_EYE = {
    "model_type": "timm_wrapper",
    "architecture": "vit_pe_core_tiny_patch16_384",
    "num_classes": 64,
    "model_args": {"img_size": [64, 64], "embed_dim": 64, "depth": 2, "num_heads": 4},
}
"""A tower of timm for images of 64 pixels."""

HINTS: Mapping[str, Mapping[str, Any]] = {
    # the words that stand for parts of an image are in the tokenizer's file alone
    "chameleon": {"vocabulary_map": {"<image>": 8, "IMGIMGAZ": 9}},
    "emu3": {"vocabulary_map": {"<|extra_200|>": 8, "<image>": 9}},
    **{key: {"image_token_index": 8} for key in ("blip-2", "instructblip")},
    "instructblipvideo": {"video_token_index": 8},
    # rotary angles of each kind of layer, of which the defaults have none
    "cohere_compass_text": {
        "rope_parameters": {"full_attention": _ROPE, "sliding_attention": _ROPE}
    },
    # half a head of 16, a quarter where half of it is rotated, in three parts; in code by default
    "ernie4_5_vl_moe_text": {"rope_parameters": {"mrope_section": [3, 3, 2]}},
    "hunyuan_vl_text": {"head_dim": 16, "rope_parameters": {"mrope_section": [4, 2, 2]}},
    "glm4v_moe_text": {"rope_parameters": {"mrope_section": [1, 1, 2]}},
    # fields that the model's code reads and the configuration's class does not have
    "dbrx": {"attn_config": {"rope_theta": 10000.0, "clip_qkv": 8.0}},
    "moonshine_streaming": {"num_key_value_heads": 4},
    "qwen3_omni_moe_talker_text": {"shared_expert_intermediate_size": 64},
    "qwen3_omni_moe": {"talker_config": {"spatial_merge_size": 2}},
    "t5gemma2_text": {"dropout_rate": 0.0},
    # words that one part makes and another reads
    "clvp": {"speech_config": {"vocab_size": 512}},
    # frames in windows of 100, of which the example has two for each of these
    "qwen3_asr_encoder": {"max_source_positions": 50},
    # channels that double at every stage
    **{f"vibevoice_acoustic_tokenizer_{way}": {"num_filters": 4} for way in ("encoder", "decoder")},
    # rotary angles of 32 numbers at least, in a head of 64 / 2
    "clvp_encoder": {"num_attention_heads": 2},
    "blt_local_encoder": {"hidden_size_global": 64},
    "blt_local_decoder": {"hidden_size_global": 64},
    # the widths of two encoders together
    "neucodec": {"quantization_dim": 128},
    "xcodec2": {"quantization_dim": 128},
    # latents and layers under names that nothing else has
    "perceiver": {"num_latents": 16, "d_latents": 64, "num_self_attends_per_block": 2},
    # validated against the text's width, or against another part
    "fun_asr_nano": {"adaptor_config": {"intermediate_size": 16}},
    "gemma4_assistant": {"text_config": {"hidden_size_per_layer_input": 0}},
    "molmo2": {"adapter_config": {"vision_feature_layer": [1, 0]}},
    "nemotron_h_omni": {"vision_config": {"video_temporal_patch_size": 2}},
    # layers that others read, which the defaults leave open or number beyond a small model
    "granite4_vision": {
        "deepstack_layer_map": [[0, 0], [1, 1]],
        "spatial_target_layers": [0, 1],
        "downsample_rate": "1/2",
    },
    "depth_pro": {
        "patch_size": 32,
        "intermediate_hook_ids": [1, 0],
        "intermediate_feature_dims": [32, 32],
        "scaled_images_feature_dims": [32, 32, 32],
        "fusion_hidden_size": 32,
    },
    "lfm2_moe": {"layer_types": ["conv", "full_attention"], "num_dense_layers": 1},
    "deepseek_ocr2_text": {"mlp_layer_types": ["dense", "sparse"]},
    # scales and kernels, of which the defaults have none
    "lw_detr": {"projector_scale_factors": [1.0]},
    "pp_ocrv5_server_det": _DETECTOR,
    "pp_ocrv6_medium_det": {**_DETECTOR, "backbone_config": _STAGES["backbone_config"]},
    "pp_ocrv6_small_det": _STAGES,
    "uvdoc_backbone": {"out_indices": [1, 2, 3, 4, 5, 6]},
    "pp_doclayout_v2": {"class_thresholds": [0.5, 0.5], "class_order": [0, 1]},
    # layers of a kind whose weights are tied, of which there must be two
    **{
        key: {
            "num_hidden_layers": 4,
            "layers_block_type": ["linear_attention", "hybrid"] * 2,
            "attention_hidden_size": 128,
            "attention_head_dim": 32,
        }
        for key in ("zamba", "zamba2")
    },
    # a list where the code adds it to a list
    "vitmatte": {"fusion_hidden_sizes": [32, 32, 32, 32]},
    # sizes of images of parts that must agree
    "tvp": {"max_img_size": 64, "visual_prompt_size": 8},
    "seggpt": {"image_size": [64, 32]},
    "edgetam_vision_model": {
        "backbone_channel_list": [1024, 512, 256, 64],
        "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
    },
    # numbers of channels and blocks that are products of these
    "efficientnet": _EFFICIENT,
    "align_vision_model": _EFFICIENT,
    "align": {"projection_dim": 320},
    "oneformer": {"conv_dim": 64, "mask_dim": 64, "task_seq_len": 16},
    # models of timm, by their names and what makes them small
    "pe_video_encoder": {"vision_config": {**_EYE, "do_pooling": True, "global_pool": "map"}},
    "perception_lm": {"vision_config": _EYE},
    "omdet-turbo": {
        "image_size": 64,
        "apply_layernorm_after_vision_backbone": False,
        # other than the decoder's width: of equal ones the library makes no projection
        "class_embed_dim": 128,
        "text_projection_in_dim": 128,
        "text_projection_out_dim": 128,
        "text_config": {"hidden_size": 128},
        "backbone_config": {
            "model_type": "swin",
            "image_size": 64,
            "embed_dim": 32,
            "depths": [1, 1, 1, 1],
            "num_heads": [2, 2, 2, 2],
            "out_indices": [2, 3, 4],
        },
        "encoder_in_channels": [64, 128, 256],
        "vision_features_channels": [64, 64, 64],
    },
    "timm_backbone": {"backbone": "resnet18"},
}
"""Model type -> fields, wherever a configuration of the type is, as part of another too."""


def hinted(config: Any, found: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a configuration's class, with what is known of its type and its parts'.

    Args:
        config: The default configuration.
        found: What was made of it.
    """
    found = dict(found)
    for name in getattr(config, "sub_configs", ()):
        inner = getattr(config, name, None)
        if inner is None or not hasattr(inner, "to_dict"):
            continue
        within = hinted(inner, dict(found.get(name, {})))
        if within:
            found[name] = {"model_type": inner.model_type, **within}
    for name, value in HINTS.get(config.model_type, {}).items():
        found[name] = _merged(_held(config, found, name), value)
    return found


def _held(config: Any, found: Mapping[str, Any], name: str) -> Any:
    """What a field is before its hint: as made, or by default if it is a dict of its own."""
    default = getattr(config, name, None)
    if name in found or not isinstance(default, dict):
        return found.get(name)
    return default


def _merged(before: Any, hint: Any) -> Any:
    """The hint alone where it is of another type; else what was there, with the hint's fields."""
    if isinstance(hint, Mapping) and "model_type" in hint:
        return dict(hint)
    return {**before, **hint} if isinstance(before, dict) and isinstance(hint, Mapping) else hint
