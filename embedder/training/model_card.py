"""The model card: `encoder.json` in words, as the README of an encoder folder."""

from __future__ import annotations

from typing import Any


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
        f"`{card['network']['stem']}`, {_head(card['network'])}.",
        "- Files: `model.safetensors` (PyTorch) and `model.onnx` (ONNX Runtime), kernels stored as float16; both give "
        "the same encodings.",
        f"- Mirrored views averaged: {'yes' if card['flip_average'] else 'no'}.",
        *_orientation(card),
        *_strangers(card),
        f"- Licence of the weights: {card['licence']}.",
        "",
        "## What it learnt from",
        "",
        "| collection | identities | pictures |",
        "|---|---|---|",
        *(f"| {one['collection']} | {one['identities']} | {one['pictures']} |" for one in card["data"]),
        "",
        *_provenance(card),
        "",
        *_figures(figures),
        *_making(card),
        "## Intended use",
        "",
        "Naming drawn characters whom its user has enrolled, or sorting and searching drawings by who is in them. It "
        "was made for drawings: it knows nothing about photographs of people and must not be used to identify them.",
        "",
        "## Limits",
        "",
        "- The dev identities come from the same collections as the training pictures, so other sources will do worse: "
        "older styles, looser crops, chibi and monochrome pictures most of all.",
        "- Characters that look alike (twins, one character's alternate versions) are confused.",
        "- Monochrome pictures lose hair and eye colour, by which it tells most; chibi figures lose the face's shape.",
        "",
    ]
    return "\n".join(lines)


def _head(network: dict[str, Any]) -> str:
    """What stands on the backbone, in words."""
    if "head" not in network:
        return f"{network['pooling']} pooling, a linear embedding and a batch-norm neck"
    return (
        f"its last {network['head']['stages']} stages pooled over four regions each, with how much of "
        f"{network['head']['colours']} colours lies in the upper, middle and lower part, under one linear layer (a "
        "discriminant, fitted in closed form when the run was over)"
    )


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


def _orientation(card: dict[str, Any]) -> list[str]:
    if "unknown_below" not in card.get("figures", {}):
        return []
    return [
        f"- For orientation, a similarity of {card['unknown_below']} tells strangers from others so well: "
        f"{card['unknown_below_chosen']} Galleries do not use it: each finds its own bound (`kaodex calibrate`)."
    ]


def _provenance(card: dict[str, Any]) -> list[str]:
    """Whose the pictures are, and who was kept out."""
    lines = [card.get("provenance", "Where the pictures come from was not told.")]
    if any(one["collection"] == "drawn" for one in card["data"]):
        lines.append("`drawn` are characters drawn by Kaodex's own program.")
    lines.append("No picture is part of this folder.")
    held = card.get("dev", {})
    if held:
        told = ", ".join(f"{count} of {name}" for name, count in held.items())
        lines.append(f"Kept out of training, under every name and in every collection: the dev identities ({told}).")
    return [" ".join(lines)]


def _figures(figures: dict[str, Any]) -> list[str]:
    if not figures.get("rank1"):
        return ["## Figures", "", "None were measured: there were no dev identities, or too few.", ""]
    lines = [
        "## Figures on dev identities (never trained on)",
        "",
        "Rank-1 among the dev identities of one collection, mean over random draws of references (95 % interval by "
        "bootstrap over identities); references and queries never share a source picture or a near-duplicate cluster. "
        "The same identities chose the step, mirrored views and the fixed similarity, which flatters the figures a "
        "little.",
        "",
        "| collection, references per identity | identities | rank-1 | colour histogram, same draws |",
        "|---|---|---|---|",
        *(
            f"| {name} | {one['identities']} | {one['rank1']:.3f} "
            f"({one['interval_95'][0]:.3f} to {one['interval_95'][1]:.3f}) | {one['colour_histogram']:.3f} |"
            for name, one in figures["rank1"].items()
        ),
        "",
    ]
    if figures.get("open_set"):
        lines += [
            "With a random half of those identities enrolled and the others strangers (FPIR: the share of strangers "
            "that are given a name; TPIR: the share of enrolled ones that are given the right one):",
            "",
            "| collection, references per identity | mAP@R | TPIR at FPIR 10 % | TPIR at FPIR 1 % |",
            "|---|---|---|---|",
            *(
                f"| {name} | {one['map_at_r']:.3f} | {one['tpir_10']:.3f} | {one['tpir_1']:.3f} |"
                for name, one in figures["open_set"].items()
            ),
            "",
        ]
    if "named_rightly_above_it" in figures:
        lines += [f"Mated queries named rightly above the fixed similarity: {figures['named_rightly_above_it']}.", ""]
    return lines


def _making(card: dict[str, Any]) -> list[str]:
    """The commands that made it, and what decides their chance."""
    if not card.get("commands"):
        return []
    lines = ["## How it was made", "", "```", *card["commands"], "```", ""]
    recipe = card.get("recipe", {})
    if "seed" in recipe and "step" in card:
        lines += [f"Seed {recipe['seed']}; these are the weights of step {card['step']:,}. Curves: `curves.png`.", ""]
    return lines
