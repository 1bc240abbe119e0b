"""What a search found is drawn: the Pareto set of several goals, or the best so far of one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from scipy import stats

from analysis.figures import importance, parallel
from analysis.figures.drawing.families import Family
from analysis.figures.drawing.view import NothingToDraw, View, look
from analysis.figures.search import draw, info
from analysis.report.parts.gallery import best_first
from analysis.sources import load
from analysis.wording import number
from tests.analysis import storage_fixture as planted

KL, DENOISE = "test/kl", "test/denoise"
PLANE: dict[str, Any] = {"method": "tpe", "metrics": [KL, DENOISE], "modes": ["min", "min"]}
ONE: dict[str, Any] = {"method": "tpe", "metric": KL, "mode": "max"}
VALUES = {
    "a": ((1.0, 9.0), (3.0, 9.0)),
    "b": ((4.0, 4.0),),
    "c": ((5.0, 5.0),),
    "d": ((8.0, 1.0),),
    "e": ((2.0, 9.0),),
}


@pytest.fixture(scope="module")
def planted_view(tmp_path_factory: pytest.TempPathFactory) -> View:
    storage = planted.write(tmp_path_factory.mktemp("storage"), planted.digits_experiment())
    return look(load.from_storage(storage, "imaginary-noise"), None, 0.1, None)


def searched(view: View, search: dict[str, Any], training: str | None = None) -> View:
    """The points of `VALUES` (one row a seed), asked for in this order, after 20 epochs."""
    rows = [
        {
            "trial": f"{point}{seed}",
            "label": f"sigma_vae σ={point} seed={seed}",
            KL: kl,
            DENOISE: denoise,
            "status": "finished",
            "role": "declared",
            "seed": seed,
            "epoch": 20,
            "training": training,
        }
        for point, seeds in VALUES.items()
        for seed, (kl, denoise) in enumerate(seeds)
    ]
    sweep = {"search": search, "trials": [{"id": row["trial"]} for row in rows]}
    return replace(
        view,
        experiment=replace(
            view.experiment, trials=pd.DataFrame(rows[::-1]), sweeps=[{"trials": []}, sweep]
        ),
    )


def test_the_pareto_set_is_what_no_point_beats(planted_view: View) -> None:
    found = info(searched(planted_view, PLANE))
    table = found.table.set_index("point")
    assert list(table.index) == [f"sigma_vae σ={name}" for name in VALUES]
    assert list(table[KL]) == [2, 4, 5, 8, 2]
    assert list(table["n"]) == [2, 1, 1, 1, 1]
    assert list(table["good"]) == [True, True, False, True, True], "an equal point stays"
    assert found.axes == (KL, DENOISE)
    assert "found 4 that no other beats" in found.answer


def test_the_plane_has_the_front_and_both_kinds_of_points(planted_view: View) -> None:
    figure = draw(info(searched(planted_view, PLANE)))
    line, beaten, unbeaten = figure.data
    assert list(line.x) == [2, 2, 4, 8]
    assert (list(beaten.x), list(unbeaten.x)) == ([5], [2, 4, 8, 2])
    assert "nats/example" in figure.layout.xaxis.title.text


def test_one_goal_is_drawn_against_the_order_of_asking(planted_view: View) -> None:
    found = info(searched(planted_view, ONE))
    assert list(found.table["good"]) == [False, False, False, True, False]
    assert (
        "Best of 5 points of the search: sigma_vae σ=d with test KL 8.000 (one seed)"
        in found.answer
    )
    assert "flattered by chance, and one seed has no interval" in found.answer
    assert "; as given, training length unknown. " in found.answer
    line = draw(found).data[0]
    assert (list(line.x), list(line.y)) == ([1, 2, 3, 4, 5], [2, 4, 5, 8, 8])


def test_the_best_point_has_an_interval_that_allows_for_the_choice(planted_view: View) -> None:
    found = info(searched(planted_view, ONE | {"mode": "min"}))
    half = stats.t.ppf(1 - 0.025 / 5, 1) * 1.0
    assert f"with test KL 2.00 (95 %: {number(2 - half)} to {number(2 + half)})" in found.answer
    assert "The intervals allow for the choice among all points." in found.answer


def test_of_untrained_points_none_is_called_best(planted_view: View) -> None:
    one = info(searched(planted_view, ONE, "not trained")).answer
    assert "First of 5 points of the search: sigma_vae σ=d" in one
    assert "; no claim, for 6 of 6 trials are not trained after 20 epochs. " in one
    plane = info(searched(planted_view, PLANE, "not trained")).answer
    assert "no other beats in every goal; no claim, " in plane


def test_a_metric_that_no_trial_has_is_a_sentence(planted_view: View) -> None:
    with pytest.raises(NothingToDraw, match="No point of the search is finished"):
        info(searched(planted_view, PLANE | {"metrics": [KL, "test/nothing"]}))


def with_fields(view: View, search: dict[str, Any]) -> View:
    """The same points with a width, a rate over three decades and a network each."""
    found = searched(view, search)
    settings = {
        "a": (0.1, 1e-4, "mlp"),
        "b": (0.2, 1e-3, "conv"),
        "c": (0.3, 1e-2, "mlp"),
        "d": (0.5, 1e-1, "gru"),
        "e": (0.3, 1e-4, "mlp"),
    }
    trials = found.experiment.trials
    names = ["sigma", "lr", "network"]
    values = [settings[str(trial)[0]] for trial in trials["trial"]]
    own = pd.DataFrame(values, columns=names, index=trials.index).assign(epochs=20)
    whole = pd.concat([trials, own], axis=1)
    return replace(found, experiment=replace(found.experiment, trials=whole))


def test_parallel_coordinates_have_an_axis_for_each_field_that_varies(planted_view: View) -> None:
    found = parallel.info(with_fields(planted_view, ONE))
    assert found.fields == ("sigma", "lr", "network", KL)
    points = list(found.table["point"])
    assert points == [f"sigma_vae σ={name}" for name in VALUES]
    assert found.at["sigma"] == pytest.approx([0, 0.25, 0.5, 1, 0.5])
    assert found.at["lr"] == pytest.approx([0, 1 / 3, 2 / 3, 1, 0]), "logarithmic"
    assert found.at["network"] == [1, 0, 1, 0.5, 1]
    assert found.ticks["network"] == [(0, "conv"), (0.5, "gru"), (1, "mlp")]
    assert found.at[KL] == pytest.approx([0, 1 / 3, 0.5, 1, 0]), "the mean over seeds"
    groups = dict(zip(points, found.table["group"], strict=True))
    assert groups["sigma_vae σ=d"] == 0, "the best: the largest, as the mode is max"


def test_every_point_is_a_line_that_is_named_when_hovered(planted_view: View) -> None:
    found = parallel.info(with_fields(planted_view, ONE))
    figure = parallel.draw(found)
    lines = [trace for trace in figure.data if trace.text]
    assert sum(list(trace.x).count(0) for trace in lines) == len(VALUES)
    drawn = {text for trace in lines for text in trace.text}
    assert drawn == set(found.table["hover"])
    assert list(figure.layout.xaxis.ticktext) == ["σ", "learning rate", "network", "test KL"]
    assert "sigma_vae σ=d" in lines[-1].text[0], "the best lie on top"


def test_points_that_do_not_differ_are_not_drawn(planted_view: View) -> None:
    with pytest.raises(NothingToDraw, match="differ in no field"):
        parallel.info(searched(planted_view, ONE))
    with pytest.raises(NothingToDraw, match="searched by results"):
        parallel.info(planted_view)


def test_the_images_of_the_best_point_come_first(planted_view: View) -> None:
    view = searched(planted_view, ONE | {"mode": "min"})
    points = view.finished.groupby(view.finished["trial"].str[0])
    found = [("sigma", Family(str(point), rows, {})) for point, rows in points]
    assert [one.label for _, one in best_first(view, found)] == ["a", "e", "b", "c", "d"]
    other = searched(planted_view, ONE | {"mode": "max"})
    assert [one.label for _, one in best_first(other, found)] == ["d", "c", "b", "a", "e"]
    assert best_first(planted_view, found) == found, "it searched nothing"


def test_the_importance_of_settings_is_drawn_as_it_was_stored(planted_view: View) -> None:
    view = searched(planted_view, PLANE)
    with pytest.raises(NothingToDraw, match="not stored"):
        importance.info(view)
    shares = {KL: {"sigma": 0.8, "lr": 0.2}, DENOISE: {"lr": 0.9, "sigma": 0.1}}
    sweep = view.experiment.sweeps[-1] | {"importance": shares}
    told = replace(view, experiment=replace(view.experiment, sweeps=[sweep]))
    data = importance.info(told)
    assert data.table[["goal", "setting", "importance"]].to_numpy().tolist() == [
        [goal, name, share] for goal, own in shares.items() for name, share in own.items()
    ]
    bars = importance.draw(data).data
    assert [list(bar.x) for bar in bars] == [[0.8, 0.2], [0.9, 0.1]]
    few = replace(told, experiment=replace(view.experiment, sweeps=[sweep | {"importance": {}}]))
    with pytest.raises(NothingToDraw, match="ten finished points"):
        importance.info(few)
