"""`kaodex doctor`: what is installed, what it sees, and whether it works."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from cli.options import device_option
from cli.output import answers, table
from data.errors import KaodexError, MissingDependency

if TYPE_CHECKING:
    from embedder.detectors import Detector

PACKAGES = (
    *("kaodex", "numpy", "opencv-contrib-python-headless", "pillow", "onnxruntime", "faiss-cpu", "faiss-gpu"),
    *("torch", "timm", "pytorch-metric-learning"),
)
ENOUGH = 0.5
"""The self-test's share of right names below which something is broken; guessing would give 0.1. Of faces, likewise."""


@click.command(short_help="Say what is installed, and test it.")
@device_option
def doctor(device: str) -> None:
    """Say which versions are installed, which devices they see, and whether faces are found and told apart."""
    console = answers()
    lines = table("what", "found")
    lines.add_row("Python", f"{platform.python_version()} on {platform.platform()}")
    for package in PACKAGES:
        lines.add_row(package, _version(package))
    lines.add_row("GPU seen by torch", _torch())
    lines.add_row("ONNX Runtime offers", _onnxruntime())
    lines.add_row("GPUs seen by FAISS", _faiss())
    sick = False
    for name, state, whole in _encoders():
        lines.add_row(f"encoder {escape(name)}", state)
        sick = sick or not whole
    for name, state, well in _detectors():
        lines.add_row(f"detector {escape(name)}", state)
        sick = sick or not well
    try:
        encoder, figure, total = _self_test(device)
        lines.add_row("at work", escape(encoder))
        lines.add_row("self-test", f"{figure} of {total} drawn characters recognised")
        sick = sick or figure < ENOUGH * total
    except KaodexError as error:
        lines.add_row("self-test", f"[red]{escape(str(error))}[/]")
        sick = True
    console.print(lines)
    console.print("[red]something is wrong[/]: see above" if sick else "all well")
    if sick:
        raise SystemExit(1)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "[dim]not installed[/]"


def _torch() -> str:
    try:
        import torch
    except ImportError:
        return "[dim]torch is not installed: the CPU stack does not need it[/]"
    if not torch.cuda.is_available():
        return "none"
    return ", ".join(torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count()))


def _onnxruntime() -> str:
    try:
        import onnxruntime
    except ImportError:
        return '[red]not installed[/]: pip install "kaodex[cpu]"'
    return ", ".join(onnxruntime.get_available_providers())


def _faiss() -> str:
    from index.search import count_gpus

    try:
        return str(count_gpus())
    except MissingDependency as error:
        return f"[red]{escape(str(error))}[/]"


def _encoders() -> Iterator[tuple[str, str, bool]]:
    """Every encoder that goes by a name: what it is, and whether nothing of it is missing or damaged."""
    from embedder.inventory import check_files, inventory, open_card

    for held in inventory():
        told = f"{held.origin}, the default" if held.default else held.origin
        if held.trouble:  # a pulled one may still wait for its settings
            yield held.name, f"{told}, [yellow]unusable:[/] {escape(held.trouble)}", held.origin != "shipped"
            continue
        try:
            wrong = [name for name, (_, matches) in check_files(open_card(held.name)).items() if matches is False]
        except KaodexError as error:
            yield held.name, f"{told}, [red]unusable:[/] {escape(str(error))}", False
            continue
        yield (
            held.name,
            f"{told}, [red]missing or damaged:[/] {escape(', '.join(sorted(wrong)))}"
            if wrong
            else f"{told}, all files whole",
            not wrong,
        )


def _detectors() -> Iterator[tuple[str, str, bool]]:
    """Every shipped detector: what it is, how many drawn faces it finds, and whether all of that is well."""
    from embedder.detectors import DEFAULT_DETECTOR, load_detector
    from embedder.detectors.card import (
        SHIPPED_DETECTOR,
        check_files,
        find_detector,
        read_detector_card,
        shipped_detectors,
    )

    default = SHIPPED_DETECTOR if DEFAULT_DETECTOR == "auto" else DEFAULT_DETECTOR
    for name in shipped_detectors():
        told = "shipped, the default" if name == default else "shipped"
        try:
            wrong = check_files(read_detector_card(find_detector(name)))
            if wrong:
                yield name, f"{told}, [red]missing or damaged:[/] {escape(', '.join(wrong))}", False
                continue
            found, total = _found(load_detector(name))
        except KaodexError as error:
            yield name, f"{told}, [red]unusable:[/] {escape(str(error))}", False
            continue
        seen = f"{found} of {total} drawn faces found"
        well = found >= ENOUGH * total
        yield name, f"{told}, all files whole, {seen if well else f'[red]only {seen}[/]'}", well


def _found(detector: Detector) -> tuple[int, int]:
    """Of the faces in drawn scenes, how many the detector finds, and how many there are."""
    import numpy as np

    from data.drawn import draw_scene
    from measure.detection import overlaps

    found = total = 0
    for seed in range(100, 104):
        scene = draw_scene([seed, seed + 10, seed + 20], artist=seed, picture=seed)
        boxes = np.array([one.box for one in detector.find(scene.picture)], np.float64).reshape(-1, 4)
        faces = np.array([face.box for face in scene.faces], np.float64)
        found += int((overlaps(faces, boxes) >= 0.5).any(axis=1).sum())
        total += len(faces)
    return found, total


def _self_test(device: str) -> tuple[str, int, int]:
    """Enrol drawn characters in a gallery that is thrown away, ask about each again by another artist's hand."""
    from data.canvas import write_picture
    from data.drawn import draw_face
    from embedder import Encoder
    from embedder.detectors import WholePicture
    from index.gallery import Gallery
    from index.recognizer import Recognizer

    encoder = Encoder.load(device=device)
    seeds = range(100, 110)
    size = 160
    with (
        tempfile.TemporaryDirectory() as folder,
        Gallery.create(Path(folder) / "gallery.kaodex", device=device) as gallery,
    ):
        for seed in seeds:
            for number in range(3):
                picture = draw_face(seed, artist=seed + number, picture=number, size=size)
                write_picture(Path(folder) / "refs" / str(seed) / f"{number}.png", picture)
        recognizer = Recognizer(gallery, encoder, WholePicture())
        recognizer.enroll(Path(folder) / "refs")
        asked = [recognizer.see(draw_face(seed, seed + 50, 50, size), str(seed)) for seed in seeds]
        answered = recognizer.recognize(asked)
    right = sum(
        bool(one.faces[0].recognition.candidates) and one.faces[0].recognition.candidates[0].identity == one.image
        for one in answered
    )
    return repr(encoder), right, len(asked)
