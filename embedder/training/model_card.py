"""The model card: `encoder.json` in words, as the README of an encoder folder."""

from __future__ import annotations

from typing import Any

MISSING = "not measured"


def model_card(card: dict[str, Any]) -> str:
    """The card as Markdown."""
    figures = card.get("figures", {})
    size = card["input"]["size"]
    lines = [
        f"# {card['name']}",
        "",
        f"Encodes a drawn face ({size}x{size} pixels, any crop size is resized) as a unit vector of "
        f"{card['dimension']} numbers; the inner product of two says how alike two faces are. It is meant to recognise "
        "characters that it never saw, from a few references each.",
        "",
        f"- Network: timm `{card['network']['backbone']}` with `{card['network']['arguments']}`, stem "
        f"`{card['network']['stem']}`, {card['network']['pooling']} pooling, a linear embedding and a batch-norm neck.",
        "- Files: `model.safetensors` (PyTorch) and `model.onnx` (ONNX Runtime), kernels stored as float16; both give "
        "the same encodings.",
        f"- Mirrored views averaged: {'yes' if card['flip_average'] else 'no'}.",
        f"- For orientation, a similarity of {card['unknown_below']} tells strangers from others so well: "
        f"{card['unknown_below_chosen']} Galleries do not use it: each finds its own bound (`kaodex calibrate`).",
        *_strangers(card),
        f"- Licence of the weights: {card['licence']}.",
        "",
        "## What it learnt from",
        "",
        "| collection | identities | pictures |",
        "|---|---|---|",
        *(f"| {one['collection']} | {one['identities']} | {one['pictures']} |" for one in card["data"]),
        "",
        "The collections are fan art and game art whose rights are the artists' and publishers'; no picture is part of "
        "this package. `drawn` are characters drawn by Kaodex's own program. The dev identities were kept out of "
        "training under every name and in every collection.",
        "",
        "## Figures on dev identities (never trained on)",
        "",
        "Rank-1 among the dev identities of one collection, mean over random draws of references (95 % interval by "
        "bootstrap over identities); references and queries never share a source picture or a near-duplicate cluster. "
        "The same identities chose between runs, mirrored views and the fixed similarity, which flatters the figures "
        "a little.",
        "",
        "| collection, references per identity | identities | rank-1 | colour histogram, same draws |",
        "|---|---|---|---|",
        *(
            f"| {name} | {one['identities']} | {one['rank1']:.3f} "
            f"({one['interval_95'][0]:.3f} to {one['interval_95'][1]:.3f}) | {one['colour_histogram']:.3f} |"
            for name, one in figures.get("rank1", {}).items()
        ),
        "",
        f"Mated queries named rightly above the fixed similarity: {figures.get('named_rightly_above_it', MISSING)}.",
        "",
        *(["## How it was made", "", "```", *card["commands"], "```", ""] if card.get("commands") else []),
        "## Limits",
        "",
        "- The dev identities come from the same collections as the training pictures, so other sources will do worse: "
        "older styles, looser crops, chibi and monochrome pictures most of all.",
        "- Characters that look alike (twins, one character's alternate versions) are confused.",
        "- It was made for faces of drawn characters. It knows nothing about photographs of people and must not be "
        "used to identify them.",
        "",
    ]
    return "\n".join(lines)


def _strangers(card: dict[str, Any]) -> list[str]:
    """What strangers the encoder brings along; nothing where it brings none."""
    if "strangers" not in card:
        return []
    told = " and ".join(
        f"{one['encodings']} of {one['identities']} {name} identities"
        for name, one in card["strangers"]["populations"].items()
    )
    return [
        f"- `strangers.npz`: encodings of people who are nobody in particular ({told}; the real ones are the dev "
        "identities), by which galleries of few identities tell strangers. No pictures."
    ]
