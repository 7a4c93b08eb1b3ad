"""The keyword arguments that a recipe, a sidecar or a network's card may give to a backbone.

timm's constructors take many more, and some of them read any local file (``checkpoint_path``) or fetch code and weights
(``pretrained``, ``cache_dir``), in no job's key. So only those below are passed on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

Check = Callable[[Any], bool]


def _between(lowest: float, highest: float) -> Check:
    return lambda value: isinstance(value, int | float) and type(value) is not bool and lowest <= value <= highest


def _whole(lowest: int, highest: int) -> Check:
    return lambda value: type(value) is int and lowest <= value <= highest


def _sizes(value: Any) -> bool:
    side = _whole(1, 4096)
    return side(value) or (isinstance(value, list | tuple) and len(value) == 2 and all(map(side, value)))


def _one_of(*words: str) -> Check:
    return lambda value: isinstance(value, str) and value in words


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


_RATE: Final = ("a share from 0 to 0.99", _between(0, 0.99))
_FLAG: Final = ("true or false", _flag)
_SIZE: Final = ("one or two whole numbers from 1 to 4096", _sizes)
_FEW: Final = ("a whole number from 1 to 256", _whole(1, 256))
_MANY: Final = ("a whole number from 1 to 8192", _whole(1, 8192))
_ACTIVATIONS: Final = (
    "relu", "relu6", "leaky_relu", "silu", "swish", "gelu", "gelu_tanh", "quick_gelu", "mish", "elu", "celu", "selu",
    "prelu", "hard_swish", "hard_sigmoid", "hard_mish", "tanh", "sigmoid",
)  # fmt: skip
_NORMS: Final = ("batchnorm", "batchnorm2d", "groupnorm", "groupnorm1", "layernorm", "layernorm2d", "rmsnorm")
_POOLS: Final = ("", "avg", "max", "avgmax", "catavgmax", "fast", "fastavg", "token", "map")


def _word(*words: str) -> tuple[str, Check]:
    return f"one of {', '.join(map(repr, words))}", _one_of(*words)


ALLOWED: Final[Mapping[str, tuple[str, Check]]] = {
    **dict.fromkeys(
        ("drop_rate", "drop_path_rate", "drop_block_rate", "attn_drop_rate", "proj_drop_rate", "pos_drop_rate",
         "patch_drop_rate"), _RATE),
    **dict.fromkeys(("depth", "num_heads", "output_stride", "stem_width", "base_width", "cardinality"), _FEW),
    **dict.fromkeys(("embed_dim", "stem_size", "num_features"), _MANY),
    **dict.fromkeys(("img_size", "patch_size", "window_size"), _SIZE),
    **dict.fromkeys(
        ("qkv_bias", "qk_norm", "class_token", "dynamic_img_size", "avg_down", "conv_mlp"), _FLAG),
    **dict.fromkeys(("bn_eps", "norm_eps"), ("a number from 1e-8 to 0.1", _between(1e-8, 0.1))),
    "bn_momentum": ("a share from 0 to 1", _between(0, 1)),
    "negative_slope": ("a number from 0 to 1", _between(0, 1)),
    "init_values": ("a number from 0 to 1", _between(0, 1)),
    "ls_init_value": ("a number from 0 to 1", _between(0, 1)),
    "mlp_ratio": ("a number from 0.1 to 16", _between(0.1, 16)),
    "pad_type": _word("", "same", "valid"),
    "global_pool": _word(*_POOLS),
    "act_layer": _word(*_ACTIVATIONS),
    "norm_layer": _word(*_NORMS),
    "stem_type": _word("", "deep", "deep_tiered"),
}  # fmt: skip
"""By name: the values that are allowed, in words, and their check."""


def wrong_arguments(arguments: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a backbone's keyword arguments, or None."""
    for name, value in arguments.items():
        if name not in ALLOWED:
            return f"{name} is none of the arguments that can be set: {', '.join(sorted(ALLOWED))}"
        expected, check = ALLOWED[name]
        if not check(value):
            return f"{name} must be {expected}"
    return None
