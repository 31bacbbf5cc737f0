"""Small configurations and example arguments of transformers' models."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from graphlens.sweep import Spec, sets  # noqa: E402
from graphlens.sweep.sets.small_config import small  # noqa: E402
from graphlens.sweep.sets.small_filled import filled  # noqa: E402
from graphlens.sweep.sets.small_hints import hinted  # noqa: E402
from graphlens.sweep.sets.transformers_calls import arguments  # noqa: E402
from graphlens.sweep.subject import CannotBuildError  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize(
    ("name", "given", "about"),
    [
        ("hunyuan_v1_dense", {"input_ids"}, "small, filled"),
        ("zamba", {"input_ids"}, "small"),
        ("qwen3_vl_vision", {"hidden_states", "grid_thw"}, "small"),
        (
            "siglip2_vision_model",
            {"pixel_values", "pixel_attention_mask", "spatial_shapes"},
            "small",
        ),
        ("lxmert", {"input_ids", "visual_feats", "visual_pos"}, "small"),
        ("blip_2_qformer", {"query_embeds", "encoder_hidden_states"}, "small"),
        ("dbrx", {"input_ids"}, "small"),
    ],
)
def test_an_architecture_that_wants_more_than_words_is_made_small(
    name: str, given: set[str], about: str
):
    subject = sets.build(Spec("transformers", name))
    assert subject.kwargs.keys() == given
    assert subject.about == about
    assert sum(each.numel() for each in subject.model.parameters()) < 2_000_000


def test_what_a_whole_sets_of_its_part_is_kept_where_the_part_is_made_small():
    config = transformers.RTDetrConfig()
    assert "out_features" not in small(config)["backbone_config"]
    made = filled(config)["backbone_config"]
    assert made["out_features"] == config.backbone_config.out_features
    assert made["depths"] == [2, 2, 2, 2]


def test_lists_of_a_value_a_layer_have_every_kind_and_as_many_as_there_are_layers():
    made = filled(transformers.Gemma3nTextConfig())
    assert made["num_hidden_layers"] == 2
    assert made["layer_types"] == ["sliding_attention", "full_attention"]
    assert len(made["intermediate_size"]) == len(made["activation_sparsity_pattern"]) == 2


def test_a_width_that_parts_share_by_default_is_shared_when_small():
    config = transformers.Inkling2Config()
    made = filled(config)
    assert made["text_config"]["hidden_size"] == made["vision_config"]["text_hidden_size"] == 64


def test_a_field_under_another_name_is_made_small_as_under_its_own():
    config = transformers.BailingHybridConfig()
    assert config.n_group > 1
    assert type(config)(**filled(config)).n_group == 1


def test_a_hint_joins_what_was_made_of_a_part_and_leaves_the_rest():
    config = transformers.DbrxConfig()
    found = {"d_model": 64, "attn_config": {"kv_n_heads": 2}}
    made = hinted(config, found)
    assert made["d_model"] == 64
    assert made["attn_config"]["kv_n_heads"] == 2
    assert "rope_theta" in made["attn_config"]
    assert found["attn_config"] == {"kv_n_heads": 2}


class _Config:
    hidden_size = 8
    num_mel_bins = 4
    max_source_positions = 6


class _Model(torch.nn.Module):
    main_input_name = "input_ids"
    config = _Config()


def test_a_mask_has_the_frames_of_the_features_that_it_goes_with():
    class Masked(_Model):
        def forward(self, input_features: Any, input_features_mask: Any) -> Any:
            return input_features * input_features_mask[:, None, :]

    found = arguments(Masked())
    assert found["input_features"].shape == (1, 4, 12)
    assert found["input_features_mask"].shape == (1, 12)


def test_optional_arguments_are_added_where_a_model_does_not_run_without():
    class Optional(_Model):
        def forward(self, input_ids: Any = None, pixel_values: Any = None, bbox: Any = None) -> Any:
            return input_ids.sum() + pixel_values.sum() + bbox.float().sum()

    assert arguments(Optional()).keys() == {"input_ids", "pixel_values", "bbox"}


def test_a_model_that_is_called_with_a_session_says_so():
    class Video(_Model):
        def forward(self, inference_session: Any, frame_idx: Any = None) -> None:
            raise AssertionError

    with pytest.raises(CannotBuildError, match="called with a session"):
        arguments(Video())
    with pytest.raises(CannotBuildError, match=r"^it is called with a session"):
        sets.build(Spec("transformers", "edgetam_video"))


def test_an_argument_without_an_example_is_named():
    class Strange(_Model):
        def forward(self, input_ids: Any, tea_leaves: Any) -> None:
            raise AssertionError

    with pytest.raises(CannotBuildError, match="no example for its tea_leaves"):
        arguments(Strange())


def test_the_next_class_of_a_type_is_tried_where_the_first_does_not_run():
    subject = sets.build(Spec("transformers", "speecht5"))
    assert type(subject.model).__name__ == "SpeechT5ForSpeechToText"


def test_a_model_that_is_only_its_parts_is_its_first_part():
    subject = sets.build(Spec("transformers", "bark"))
    assert type(subject.model).__name__ == "BarkSemanticModel"
    assert subject.about == "small, BarkSemanticModel"


def test_heads_that_share_out_a_width_still_do_when_small():
    made = filled(transformers.DFineConfig())
    config = transformers.DFineConfig(**made)
    assert config.d_model == config.decoder_attention_heads * config.head_dim == 64
    assert config.decoder_in_channels == [64, 64, 64]


def test_a_hint_of_another_type_stands_alone():
    config = transformers.OmDetTurboConfig()
    made = hinted(config, filled(config))["backbone_config"]
    assert made["model_type"] == "swin"
    assert "backbone" not in made
