"""The end of a run: the averaged network becomes a detector folder, judged and described."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from embedder.detector_training.box_files import BoxedPicture
from embedder.detector_training.export import export_detector
from embedder.detector_training.recipe import DetectorRecipe
from embedder.detector_training.sprites import collection_of
from embedder.detector_training.validation import FACES, FALSE_BOXES, LEAST, Truth, match
from embedder.detectors.network import FaceNetwork
from measure.detection import Found, average_precision, recall_at_false_boxes

UNMEASURED = 0.4
"""The threshold of a detector that nothing was kept out to measure."""

LIMITS = (
    "Faces below 20 pixels are not reported, and faces that look away from the picture are not found.",
    "It was made for drawings. Photographs of people were never shown to it and must not be searched with it.",
    "Heads of animals, masks and dolls may be taken for faces; faces that are mostly covered, or tilted by more than "
    "45 degrees, may be missed.",
)


def finish_detector(
    network: FaceNetwork,
    recipe: DetectorRecipe,
    boxed: Mapping[str, BoxedPicture],
    validation: Mapping[str, Sequence[Truth]],
    run: Path,
    *,
    step: int,
    story: Mapping[str, Any],
) -> tuple[Path, float]:
    """Write OUT/detector: the network, its card with figures on what was kept out, and a README.

    Returns the folder and the threshold: the score from which each validation set has at most one false box per ten
    pictures.
    """
    whole, folder = run / "detector", run / "detector.unfinished"
    shutil.rmtree(folder, ignore_errors=True)
    measured = {name: match(network, truths) for name, truths in validation.items()}
    told = {
        "licence": "unspecified",
        **story,
        "step": step,
        "recipe": asdict(recipe),
        "data": data_counts(recipe, boxed),
        "figures": {
            name: {
                "pictures": len(found.truths),
                "faces": int(found.truths.sum()),
                "ap": round(average_precision(found), 4),
                "recall_at_0.1_false": round(recall_at_false_boxes(found, FALSE_BOXES), 4),
            }
            for name, found in measured.items()
        },
        "limits": list(LIMITS),
    }
    threshold = max(map(threshold_of, measured.values()), default=UNMEASURED)
    export_detector(network, folder, name=recipe.name, threshold=threshold, faces=FACES, story=told)
    (folder / "README.md").write_text(readme(recipe.name, threshold, told), encoding="utf-8")
    shutil.rmtree(whole, ignore_errors=True)
    folder.replace(whole)
    return whole, threshold


def threshold_of(found: Found) -> float:
    """The lowest score from which there is at most one false box per ten pictures; in [LEAST, 1]."""
    _, false = found.curve()
    scores = np.unique(found.scores)[::-1]
    within = scores[false <= FALSE_BOXES]
    return float(max(within.min(initial=1.0), LEAST))


def data_counts(recipe: DetectorRecipe, boxed: Mapping[str, BoxedPicture]) -> list[dict[str, Any]]:
    """Pictures and faces of each collection that was learnt from."""
    pictures: Counter[str] = Counter()
    faces: Counter[str] = Counter()
    for name, one in boxed.items():
        pictures[collection_of(name)] += 1
        faces[collection_of(name)] += len(one.boxes)
    counts: list[dict[str, Any]] = [
        {"collection": name, "pictures": pictures[name], "faces": faces[name]} for name in sorted(pictures)
    ]
    if recipe.drawn:
        counts.append({"collection": "drawn by program", "pictures": recipe.drawn, "faces": "1 to 4 each"})
    return counts


def readme(name: str, threshold: float, told: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    lines = [
        f"# {name}",
        "",
        "Finds the faces of drawn characters: boxes from hairline to chin and from ear to ear. One network at "
        f"stride 8, for faces of {FACES[0]} to {FACES[1]} pixels; pictures are searched at several scales, so a face "
        f"may be as large as its picture. A face is reported from a score of {threshold:.2f} on.",
        "",
        f"- Licence of the weights: {told['licence']}.",
        "- Files: `model.safetensors` (PyTorch) and `model.onnx` (ONNX Runtime), kernels stored as float16.",
        f"- Learnt for {told['step']:,} step{'s' * (told['step'] != 1)} on composed scenes; `detector.json` has every "
        "setting.",
        "",
        "## What it learnt from",
        "",
        "| collection | pictures | faces |",
        "|---|---|---|",
        *(f"| {one['collection']} | {one['pictures']} | {one['faces']} |" for one in told["data"]),
        "",
        *([told["provenance"], ""] if "provenance" in told else []),
        "## Figures",
        "",
    ]
    if told["figures"]:
        lines += [
            "Average precision at IoU 0.5, and recall at one false box per ten pictures, on what was kept out.",
            "",
            "| set | pictures | faces | AP | recall |",
            "|---|---|---|---|---|",
            *(
                f"| {one} | {got['pictures']} | {got['faces']} | {got['ap']:.3f} | {got['recall_at_0.1_false']:.3f} |"
                for one, got in told["figures"].items()
            ),
        ]
    else:
        lines.append("Nothing was kept out to measure it on.")
    return "\n".join([*lines, "", "## Limits", "", *(f"- {one}" for one in told["limits"]), ""])
