"""The papers' networks: their shapes, that they learn, where their weights come from, and their rows."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need PyTorch; install kaodex[train]")
timm = pytest.importorskip("timm", reason="networks need timm; install kaodex[train]")

from safetensors.torch import save_file  # noqa: E402

import bench.systems.photographs as photographs  # noqa: E402
from bench.closed import Figures, Sides, measure_closed, pair_accuracies  # noqa: E402
from bench.closed_pictures import draw_pictures  # noqa: E402
from bench.closed_run import Terms, run_closed  # noqa: E402
from bench.collection import load_collection  # noqa: E402
from bench.hair import HairColour, same_hair, shared_hair_of_errors  # noqa: E402
from bench.kept_figures import KeptFigures  # noqa: E402
from bench.protocol import Protocol  # noqa: E402
from bench.run import chosen_systems, run_bench, run_open_set  # noqa: E402
from bench.systems.catalogue import catalogue, choose  # noqa: E402
from bench.systems.classifier import Stops, Watches  # noqa: E402
from bench.systems.network_classifier import NetworkClassifier, Recipe  # noqa: E402
from bench.systems.networks import residual, three_layers, two_convolutions  # noqa: E402
from bench.systems.new_top import NewTop  # noqa: E402
from bench.systems.outputs import Outputs  # noqa: E402
from bench.systems.photographs import Weights  # noqa: E402
from bench.systems.quarters import ByQuarters, Quarters, quarters_of  # noqa: E402
from bench.systems.sized import Sized  # noqa: E402
from bench.systems.varied import CHANGES, varied  # noqa: E402

NOTHING_KEPT = KeptFigures(None, ())


def crops(count, side=40, seed=0):
    return list(np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), np.uint8))


def of_two_colours(count, side):
    """Reddish and bluish pictures, alternately, and which is which."""
    labels = np.arange(count) % 2
    noise = np.random.default_rng(0).integers(0, 60, (count, side, side, 3))
    base = np.where(labels[:, None, None, None] == 0, [180, 20, 20], [20, 20, 180])
    return Sized(side).describe(list((base + noise).astype(np.uint8))), labels


class TestShapes:
    def test_three_layers_have_the_published_numbers(self):
        network = three_layers(16, side=150)
        assert network(torch.zeros(2, 3, 150, 150)).shape == (2, 16)
        convolutions = [one for one in network if isinstance(one, torch.nn.Conv2d)]
        assert [(one.out_channels, one.kernel_size) for one in convolutions] == [
            (32, (3, 3)),
            (32, (3, 3)),
            (64, (3, 3)),
        ]
        assert network[-4].in_features == 64 * 17 * 17  # 150 -> 74 -> 36 -> 17
        assert all(float(one.bias.detach().abs().sum()) == 0 for one in convolutions)

    @pytest.mark.parametrize(("side", "third", "features"), [(500, False, 16 * 16 * 16), (500, True, 32 * 8 * 8)])
    def test_two_convolutions_pool_by_8_and_4(self, side, third, features):
        network = two_convolutions(2, side=side, third=third)
        assert network(torch.zeros(1, 3, side, side)).shape == (1, 2)
        assert network[-1].in_features == features

    @pytest.mark.parametrize(("stages", "layers", "side"), [(3, 14, 250), (2, 10, 100)])
    def test_residual_networks_have_the_layers_they_are_named_by(self, stages, layers, side):
        network = residual(9, stages=stages)
        assert network(torch.zeros(2, 3, side, side)).shape == (2, 9)
        kinds = (torch.nn.Conv2d, torch.nn.Linear)
        counted = [
            one for one in network.modules() if isinstance(one, kinds) and getattr(one, "kernel_size", 0) != (1, 1)
        ]
        assert len(counted) == layers


class TestLearning:
    def classifier(self, **changes):
        recipe = Recipe(**{"epochs": 8, "batch": 4, "rate": 0.01, "momentum": 0.9, **changes})
        return NetworkClassifier(lambda classes: three_layers(classes, side=24), 24, recipe)

    def test_it_learns_what_is_plain(self):
        inputs, labels = of_two_colours(24, 24)
        one = self.classifier()
        one.watch(inputs[16:], labels[16:])
        one.fit(inputs[:16], labels[:16])
        assert one.scores(inputs[16:]).argmax(axis=1).tolist() == labels[16:].tolist()
        assert one.scores(inputs).sum(axis=1) == pytest.approx(1, abs=1e-5)
        assert len(one.course) == 8 and one.course[-1].test == 1.0 and one.course[-1].loss < one.course[0].loss

    def test_the_same_pictures_give_the_same_network(self):
        inputs, labels = of_two_colours(9, 24)
        before = torch.random.get_rng_state()
        first, second = self.classifier(epochs=2), self.classifier(epochs=2)
        first.fit(inputs, labels)
        torch.manual_seed(99)
        second.watch(inputs, labels)  # being watched changes nothing
        second.fit(inputs, labels)
        assert np.array_equal(first.scores(inputs), second.scores(inputs))
        assert first.course[0].test is None and isinstance(first, Watches)
        torch.random.set_rng_state(before)

    def test_the_rate_falls_as_the_recipe_says(self, monkeypatch):
        inputs, labels = of_two_colours(4, 24)
        seen = []
        real = torch.optim.SGD.step
        monkeypatch.setattr(
            torch.optim.SGD, "step", lambda self, *a: seen.append(self.param_groups[0]["lr"]) or real(self)
        )
        self.classifier(epochs=4, every=2, rate=0.1, momentum=0.0).fit(inputs, labels)
        assert seen == pytest.approx([0.1, 0.1, 0.01, 0.01])
        seen.clear()
        self.classifier(epochs=3, decay=1.0, rate=0.1, momentum=0.0).fit(inputs, labels)
        assert seen == pytest.approx([0.1, 0.05, 0.1 / 3])

    def test_crops_are_random_when_learning_and_the_centre_when_asked(self):
        inputs, _ = of_two_colours(2, 40)
        one = self.classifier(cropped=24, photographs=True)
        one._side = 40
        learning = one._pictures(inputs, learning=True)
        asked = one._pictures(inputs, learning=False)
        assert learning.shape == asked.shape == (2, 3, 24, 24)
        middle = inputs.reshape(2, 40, 40, 3)[:, 8:32, 8:32].transpose(0, 3, 1, 2) / 255
        expected = (middle - np.reshape(photographs.MEAN, (3, 1, 1))) / np.reshape(photographs.STD, (3, 1, 1))
        assert asked.numpy() == pytest.approx(expected, abs=1e-5)
        assert not torch.equal(learning, one._pictures(inputs, learning=True))


class TestBudget:
    def classifier(self, epochs):
        return NetworkClassifier(lambda classes: three_layers(classes, side=24), 24, Recipe(epochs, 4, 0.01))

    @pytest.mark.parametrize(("seconds", "done"), [(35.0, 3), (30.0, 3), (1.0, 1)])
    def test_it_ends_with_the_last_epoch_that_fits(self, seconds, done, monkeypatch):
        inputs, labels = of_two_colours(8, 24)
        stopped, short = self.classifier(7), self.classifier(done)
        monkeypatch.setattr(
            "bench.systems.network_classifier.perf_counter", lambda: 10.0 * len(stopped.course)
        )  # ten seconds an epoch
        stopped.stop_after(seconds)
        stopped.fit(inputs, labels)
        short.fit(inputs, labels)
        assert isinstance(stopped, Stops) and stopped.stopped == f"stopped after {done} of 7 epochs, by the budget"
        assert np.array_equal(stopped.scores(inputs), short.scores(inputs)) and short.stopped == ""
        stopped.fit(inputs, labels)  # a budget holds for one fit
        assert stopped.stopped == "" and len(stopped.course) == 7

    def test_time_enough_stops_nothing(self):
        inputs, labels = of_two_colours(8, 24)
        one = self.classifier(2)
        one.stop_after(600.0)
        one.fit(inputs, labels)
        assert one.stopped == "" and len(one.course) == 2

    def test_a_stopped_row_never_looks_like_its_settings(self, three_colours, mean_colour, tmp_path, monkeypatch):
        monkeypatch.setattr("bench.systems.network_families._KERAS", Recipe(50, 8, 0.01))
        monkeypatch.setattr("bench.closed_run.within", lambda seconds, work, *arguments: work(*arguments))
        collection = load_collection(three_colours)
        kept = KeptFigures(tmp_path, ("all",))

        def row(budget):
            entries = choose(catalogue(mean_colour), "kaodex,pixels-cnn")
            return run_closed(collection, mean_colour, entries, Terms(budget=budget), kept)

        report = row(0.001)
        _, cnn = report.rows
        told = "stopped after 1 of 50 epochs, by the budget"
        assert cnn.figures.stopped == told and len(cnn.figures.course) == 1
        assert report.cells()[1][0] == "pixels CNN (stopped)" and report.cells()[1][1].endswith(f"; {told}")
        assert any(note.startswith(f"pixels CNN (stopped): {told}") for note in report.notes())
        assert not any("pixels CNN (" in note and "(stopped)" not in note for note in report.standing())
        assert report.as_json()["systems"][1]["stopped"] == told and told in cnn.told()
        assert row(0.001).rows[1].figures == cnn.figures  # kept
        monkeypatch.setattr("bench.systems.network_families._KERAS", Recipe(50, 8, 0.01))
        assert row(0.002).rows[1].figures.fit_seconds != cnn.figures.fit_seconds  # another budget measures anew

    @pytest.mark.slow
    def test_a_network_without_a_whole_epoch_is_given_up(self, three_colours, mean_colour, monkeypatch):
        monkeypatch.setattr("bench.closed_run._TO_START", 0.0)
        entries = choose(catalogue(mean_colour), "kaodex,pixels-cnn")
        report = run_closed(load_collection(three_colours), mean_colour, entries, Terms(budget=0.1), NOTHING_KEPT)
        assert report.rows[1].figures is None and report.rows[1].reason.startswith("given up after")


class TestQuarters:
    def test_four_squares_of_each_picture(self):
        corners = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (9, 9, 9)]
        picture = np.zeros((40, 60, 3), np.uint8)
        for number, colour in enumerate(corners):
            row, column = divmod(number, 2)
            picture[20 * row : 20 * row + 20, 30 * column : 30 * column + 30] = colour
        (described,) = Quarters(8).describe([picture])
        squares = described.reshape(4, 8, 8, 3)
        assert [square.reshape(-1, 3).min(axis=0).tolist() for square in squares] == [list(one) for one in corners]
        assert [square.reshape(-1, 3).max(axis=0).tolist() for square in squares] == [list(one) for one in corners]
        assert Quarters(8).describe([]).shape == (0, 4 * 3 * 8 * 8)

    @pytest.mark.parametrize("shape", [(1, 1), (5, 4), (7, 1)])
    def test_odd_sides_leave_nothing_out(self, shape):
        picture = np.arange(3 * shape[0] * shape[1], dtype=np.uint8).reshape(*shape, 3)
        parts = quarters_of(picture)
        assert set(picture.ravel().tolist()) == {value for part in parts for value in part.ravel().tolist()}
        assert all(part.shape[:2] == ((shape[0] + 1) // 2, (shape[1] + 1) // 2) for part in parts)

    def test_the_mean_of_what_a_network_says_of_each(self):
        inputs, labels = of_two_colours(12, 48)
        pictures = list(inputs.reshape(-1, 48, 48, 3))
        described = Quarters(24).describe(pictures)

        def network():
            return NetworkClassifier(lambda classes: three_layers(classes, side=24), 24, Recipe(2, 4, 0.01))

        whole, twin = ByQuarters(network()), network()
        assert isinstance(whole, Watches) and isinstance(whole, Stops)
        whole.watch(described[8:], labels[8:])
        whole.fit(described[:8], labels[:8])
        each = [Sized(24).describe(quarters_of(picture)) for picture in pictures]
        twin.fit(np.concatenate(each[:8]), np.array([label for label in labels[:8] for _ in range(4)]))
        scores = whole.scores(described[8:])
        for row, squares in zip(scores, each[8:], strict=True):
            assert row == pytest.approx(sum(twin.scores(squares)) / 4, abs=1e-5)
        assert len(whole.course) == 2 and whole.stopped == ""

    def test_its_row(self, mean_colour):
        (entry,) = choose(catalogue(mean_colour), "resnet-10-100-quarters")
        assert entry.artists and ".56 to .625" in entry.published and "four quarters" in entry.settings
        assert isinstance(entry.make(), ByQuarters) and entry.describer.name == "quarters at 100 x 100"


class TestPhotographs:
    def test_without_the_hub_there_are_no_weights(self, monkeypatch):
        def refused(*arguments):
            raise OSError("no connection")

        photographs._can_be_made.cache_clear()
        monkeypatch.setattr(photographs, "_made", refused)
        assert not Weights().had("resnet18.tv_in1k") and Weights(random=True).had("resnet18.tv_in1k")
        photographs._can_be_made.cache_clear()

    def test_weights_of_a_folder_are_those_that_are_used(self, tmp_path):
        torch.manual_seed(5)
        known = timm.create_model("resnet18", pretrained=False).eval()
        save_file(known.state_dict(), tmp_path / "resnet18.tv_in1k.safetensors")
        weights = Weights(tmp_path)
        assert weights.had("resnet18.tv_in1k") and not weights.had("resnet34.tv_in1k")
        described = Outputs("resnet18.tv_in1k", weights).describe(crops(2, side=224))
        mean, std = (torch.tensor(of).view(3, 1, 1) for of in (photographs.MEAN, photographs.STD))
        pictures = torch.from_numpy(np.stack(crops(2, side=224))).permute(0, 3, 1, 2) / 255
        with torch.inference_mode():
            expected = known((pictures - mean) / std)
        assert described == pytest.approx(expected.numpy(), abs=1e-3)
        assert weights.network("resnet18.tv_in1k", 7)(torch.zeros(1, 3, 64, 64)).shape == (1, 7)

    def test_a_new_top_learns_on_frozen_features(self, monkeypatch):
        inputs, labels = of_two_colours(12, 75)
        tiny = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
        tiny.pretrained_cfg = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5), "input_size": (3, 75, 75)}
        monkeypatch.setattr(photographs, "_made", lambda *arguments: tiny)
        top = NewTop("any", Weights(random=True), 75, steps=300, rate=0.5, variants=3)
        top.fit(inputs[:8], labels[:8])
        assert top.scores(inputs[8:]).argmax(axis=1).tolist() == labels[8:].tolist()


class TestVaried:
    def test_sixty_four_of_one(self):
        picture = crops(1, side=64)[0]
        made = varied(picture)
        assert len(made) == 64 and made[0] is picture
        assert all(one.shape == (64, 64, 3) and one.dtype == np.uint8 for one in made)
        assert len({one.tobytes() for one in made}) > 55
        again = varied(picture)
        assert all(np.array_equal(one, other) for one, other in zip(made, again, strict=True))

    @pytest.mark.parametrize("number", range(len(CHANGES)))
    def test_no_change_turns_a_hue(self, number):
        grey = np.kron(np.random.default_rng(1).integers(0, 256, (8, 8)), np.ones((8, 8))).astype(np.uint8)
        changed = CHANGES[number](np.repeat(grey[:, :, None], 3, 2), np.random.default_rng(2))
        assert np.ptp(changed.astype(int), axis=2).max() <= 1


def test_pairs_are_asked_which_of_the_two():
    scores = np.float32([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.5, 0.4], [0.3, 0.1, 0.6]])
    table = np.array(pair_accuracies(scores, np.array([0, 1, 2, 2])))
    assert np.array_equal(table, table.T) and np.array_equal(np.diag(table), [1, 1, 1])
    assert table[0, 1] == 1.0 and table[1, 2] == 0.75  # the first of identity 2 is taken for 1


def test_a_network_in_the_closed_protocol_has_a_course_and_survives_a_file():
    inputs, labels = of_two_colours(12, 24)
    one = NetworkClassifier(lambda classes: three_layers(classes, side=24), 24, Recipe(3, 4, 0.01))
    figures = measure_closed(one, Sides(inputs[:8], labels[:8], inputs[8:], labels[8:]), 0.0)
    assert len(figures.course) == 3 and figures.course[0].test is not None and not figures.enrolls
    assert figures.shown == tuple(labels[8:].tolist()) and figures.top_3 == (1.0, 1.0)
    import json

    assert Figures.from_json(json.loads(json.dumps(figures.as_json()))) == figures


class TestRows:
    def test_weights_that_are_not_there_or_random(self, three_colours, mean_colour, monkeypatch):
        def refused(*arguments):
            raise OSError("no connection")

        photographs._can_be_made.cache_clear()
        monkeypatch.setattr(photographs, "_made", refused)
        entries = choose(catalogue(mean_colour), "kaodex,resnet-18-outputs-nb,fine-tuned-resnet-18,vgg-16")
        report = run_closed(load_collection(three_colours), mean_colour, entries, Terms(), NOTHING_KEPT)
        photographs._can_be_made.cache_clear()
        assert [row.reason for row in report.rows] == ["", *["weights not available"] * 3]
        assert "weights not available" in report.cells()[1]
        marked = catalogue(mean_colour, Weights(random=True))
        needing = [entry for entry in marked if entry.needs]
        assert len(needing) == 14 and all("(random weights)" in entry.name and not entry.published for entry in needing)

    def test_pictures_of_a_run(self, three_colours, mean_colour, tmp_path, monkeypatch):
        monkeypatch.setattr("bench.systems.network_families._KERAS", Recipe(2, 8, 0.01))
        entries = choose(catalogue(mean_colour), "kaodex,pixels-cnn")
        report = run_closed(load_collection(three_colours), mean_colour, entries, Terms(), NOTHING_KEPT)
        drawn = draw_pictures(report, tmp_path)
        assert [path.name for path in drawn] == ["confusion.png", "pairs.png", "courses.png"]
        assert all(path.stat().st_size > 5000 for path in drawn)
        assert report.enrolled_names == tuple(report.collection.names)

    def test_artist_networks_are_asked_for_by_artists_alone(self, mean_colour):
        entries = catalogue(mean_colour)
        characters, artists = choose(entries, "all"), choose(entries, "all", artists=True)
        assert {entry.family for entry in artists} == {"Kaodex", "floor", "artist networks"}
        assert {entry.name for entry in (*characters, *artists)} == {entry.name for entry in entries}


class TestOtherProtocols:
    def test_systems_that_refit_in_every_draw(self, painted, mean_colour):
        entries = choose(catalogue(mean_colour), "kaodex,hand-made-nb,pixels-knn")
        systems = chosen_systems(mean_colour, entries)
        protocol = Protocol(shots=(2,), ks=(1,), draws=2)
        report = run_bench(load_collection(painted(4, 4)), mean_colour, protocol, systems=systems)
        assert [row.name for row in report.rows] == ["kaodex", "hand-made NB", "pixels kNN"]
        assert report.rows[1].variant.rule == "refitted" and report.rows[1].figure("map") is None
        assert all(0 <= row.figure("rank1") <= 1 for row in report.rows)

    def test_strangers_by_the_best_probability(self, painted, mean_colour):
        entries = choose(catalogue(mean_colour), "kaodex,hand-made-lr")
        systems = chosen_systems(mean_colour, entries)
        protocol = Protocol(shots=(2,), ks=(1,), draws=3, strangers=0.5)
        report = run_open_set(load_collection(painted(8, 4)), mean_colour, protocol, systems=systems)
        own, refitted = report.rows
        assert own.certificates and not refitted.certificates
        assert 0 <= refitted.figure("auroc") <= 1 and refitted.figure("auroc") != own.figure("auroc")
        assert np.all(refitted.answers.stranger_scores <= 1) and np.all(refitted.answers.stranger_scores > 0)
        assert report.as_json()["systems"][1]["promised"] == {} and report.notes()


class TestHair:
    def test_the_strip_above_the_forehead(self):
        crop = np.full((100, 100, 3), (255, 220, 190), np.uint8)
        crop[:22] = (200, 30, 30)
        (hair,) = HairColour().describe([crop])
        assert hair[1] > 50 and 30 < hair[0] < 55  # red
        assert HairColour().describe([]).shape == (0, 3)
        assert HairColour().describe([np.zeros((1, 1, 3), np.uint8)]).shape == (1, 3)

    def test_errors_within_a_colour(self):
        same = same_hair(np.array([[50.0, 60, 40], [55, 55, 45], [20, 0, 0], [90, 0, 0]]))
        assert shared_hair_of_errors([0, 1, 2], [0, 1, 2], same) is None
        assert shared_hair_of_errors([0, 2, 1], [1, 3, 1], same) == pytest.approx((0.5, 1 / 6))
