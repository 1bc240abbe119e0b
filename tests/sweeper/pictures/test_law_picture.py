"""The picture of a law is an SVG with points where the axes say, in words of the report."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from sweeper.pictures.law_picture import law_svg

SVG = "{http://www.w3.org/2000/svg}"


def law(**changed: Any) -> dict[str, Any]:
    found = {
        "law": "σ-VAE: test KL against σ",
        "family": "σ-VAE",
        "x": "sigma",
        "y": "test/kl",
        "nu": 1.0,
        "ci_low": -0.1,
        "ci_high": 2.0,
        "n_seeds": 3,
    }
    return found | changed


def rows(*points: tuple[float, float | None], kind: str = "measured") -> list[dict[str, Any]]:
    return [{"series": "σ-VAE", "kind": kind, "x": x, "y": y} for x, y in points]


def drawn(report: dict[str, Any]) -> ElementTree.Element:
    found = law_svg(report)
    assert found is not None
    return ElementTree.fromstring(found)


def words(picture: ElementTree.Element) -> dict[str, tuple[float, float]]:
    """Where each text stands."""
    return {
        str(one.text): (float(one.attrib["x"]), float(one.attrib["y"]))
        for one in picture.iter(f"{SVG}text")
    }


def test_a_point_stands_at_the_marks_of_its_values() -> None:
    figures = {"kl_sigma": rows((0.1, 100.0), (1.0, 10.0), (0.3, None))}
    picture = drawn({"laws": [law()], "figures": figures})
    said = words(picture)
    places = [
        (float(one.attrib["cx"]), float(one.attrib["cy"])) for one in picture.iter(f"{SVG}circle")
    ]
    assert places == [
        (pytest.approx(said["0.1"][0]), pytest.approx(said["100"][1] - 4)),
        (pytest.approx(said["1"][0]), pytest.approx(said["10"][1] - 4)),
    ]
    assert "σ-VAE: ν = 1.00 (−0.100 to 2.00)" in said
    assert "KL (nats/example)" in said


def test_a_band_that_is_wider_than_the_axes_is_cut() -> None:
    wide = [one | {"low": 1e-9, "high": 1e9} for one in rows((0.1, 3.0), (1, 2.0), kind="fit")]
    figures = {"kl_sigma": [*rows((0.1, 3.0), (1, 2.0)), *wide]}
    picture = drawn({"laws": [law()], "figures": figures})
    inside = picture.find(f"{SVG}g[@clip-path='url(#inside)']")
    assert inside is not None
    assert inside.find(f"{SVG}polygon") is not None


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"laws": [law(nu=None)], "figures": {"kl_sigma": rows((0.1, 1.0))}},
        {"laws": [law()], "figures": {}},
        {"laws": [law()], "figures": {"kl_sigma": rows((0.1, 0.0))}},
    ],
)
def test_without_a_law_or_its_points_there_is_no_picture(report: dict[str, Any]) -> None:
    assert law_svg(report) is None
