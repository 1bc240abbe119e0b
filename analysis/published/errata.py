"""What the three papers print that cannot be, or that their own numbers do not support."""

from __future__ import annotations

from dataclasses import asdict, dataclass

__all__ = ["BOUNDS", "CLAMPED", "ERRATA", "Erratum", "errata_of"]

BOUNDS = "bounds"  # a subject besides the tables: the order of the denoising bounds
# min ‖y − μ‖²/2 over μ in [0, 1]^d for y = x + N(0, I), expected over MNIST's 10,000 test images
CLAMPED = 220.9
S1 = "Saremi 2020, arXiv:2005.09047"
S2 = "Saremi 2020, arXiv:2007.15130"
D = "Im et al. 2017, arXiv:1511.06406"


@dataclass(frozen=True)
class Erratum:
    """One place of a paper.

    source, where: the paper, and the place in it. printed: what stands there. reason: why it
    cannot be, or what its numbers allow. ours: what this project does.
    subjects: the published tables, or `BOUNDS`, that it matters for. void: whether their numbers
    cannot be what their labels say, so that no difference to them is tested.
    """

    source: str
    where: str
    printed: str
    reason: str
    ours: str
    subjects: tuple[str, ...]
    void: bool = False

    def to_json(self) -> dict[str, object]:
        return asdict(self) | {"subjects": list(self.subjects)}

    def sentence(self) -> str:
        return f"{self.source}, {self.where}: {self.printed}. {self.reason}. {self.ours}."


ERRATA = (
    Erratum(
        D,
        "Lemma 1, Theorem 1 and Eq. 9",
        "log p(x) ≥ L_dvae ≥ L_cvae; Eq. 7 sets both equal",
        "L_cvae − L_dvae is the mean of KL(q(z|x̃) ‖ q̃(z|x)), which is not negative, so the second "
        "inequality is reversed; the paper's Proposition 2, which is right, contradicts it",
        "The order that is tested here is L_cvae ≥ L_dvae",
        (BOUNDS,),
    ),
    Erratum(
        D,
        "Table 1, DVAE (K = 5) at 15 %",
        "96.41 ± 0.11 with one hidden layer, and 96.41 ± 0.11 with two",
        "Two networks of ten runs each do not agree in mean and error to the last digit, while "
        "they are 0.19 to 0.65 nats apart at the other levels; one was probably copied",
        "Ours are set beside either as it is printed; which of them is right is not known",
        ("d_table1",),
    ),
    Erratum(
        D,
        "Table 2, caption",
        "negative bounds (the lower, the better)",
        "The starred bests are the largest numbers (one of the six within its error), so these "
        "are bounds; a negative bound would have the other sign",
        "They are compared as bounds",
        ("d_table2",),
    ),
    Erratum(
        D,
        "Sec. 4, Frey Face",
        "2000 images, in 1572 for training, 295 for validation and 200 for the test",
        "The file has 1965 images, and these parts have 2067",
        "Our split is 1572, 193 and 200",
        ("d_table2",),
    ),
    Erratum(
        D,
        "Sec. 4, number of corrupted views (Figure 1)",
        "94.97 and 93.17 for M = 1",
        "Table 1 has no such number, and the text names neither K nor the layers nor the level",
        "Ours beside them are of two layers, K = 5 and 5 %, of which Table 1 has 94.71 and 93.08",
        ("d_figure1",),
    ),
    Erratum(
        D,
        "Sec. 4, data augmentation",
        "DVAE 94.32 ± 0.37 and DIWAE 93.83 ± 0.06; the augmented IWAE, 92.51 ± 0.07, is called "
        "worse than DIWAE",
        "No table has these two (Table 3 has 94.32 ± 0.12, of a recurrent network), and 92.51 is "
        "the lower and so the better of negative bounds",
        "The numbers are compared as printed, the sentence about them is not followed",
        ("d_augmentation",),
    ),
    Erratum(
        S2,
        "Table 5",
        "E‖y − μ(z)‖²/2σ² on MNIST's test set at σ = 1: 103 (UVB) and 51.5 (VAE)",
        "The readout is logistic, so μ is in [0, 1]; at σ = 1 even the best such μ for each y has "
        f"a mean of {CLAMPED:g} or more on these images, so the numbers are of something else "
        "(51.5 is just below 52.8, the total variance of the clean test images)",
        "Ours is what the label says, so it must be the larger one; the difference is not tested",
        ("s2_table5",),
        void=True,
    ),
    Erratum(
        S1,
        "Table 1",
        "KL follows the power law σ^−ν with ν ≈ 1.15",
        "On these nine values the quadratic coefficient is −0.180 (p = 8.5e-5), which is 6.4 "
        "times the standard deviation between single seeds that was measured on digits: the bend "
        "stands",
        "ν is an average exponent over the range, with the local exponents beside it",
        ("s1_table1",),
    ),
    Erratum(
        S1,
        "Table 2",
        "Nine reconstruction errors without a law; with Table 1, KL/L = −0.481 ± 0.045, which is "
        "called fairly constant",
        "On these nine values the quadratic coefficient of log reconstruction error is 0.0375 "
        "(p = 0.004), which is 5.0 times the standard deviation between single seeds that was "
        "measured on digits: the bend stands, the local exponent of σ goes from 0.99 to 1.15, and "
        "with Table 1's bend no one power of σ holds for KL, the error or their ratio",
        "An exponent of the reconstruction error is an average over its range, with the local "
        "exponents beside it",
        ("s1_table2",),
    ),
    Erratum(
        S1,
        "Table 3",
        "KL follows the power law α^−ν with ν ≈ 0.636",
        "On these nine values the quadratic coefficient is −0.023 (p = 0.009), which is 0.8 times "
        "the standard deviation between single seeds that was measured of the law in σ on digits: "
        "a bend is not established",
        "The power law is not rejected",
        ("s1_table3",),
    ),
)


def errata_of(*subjects: str) -> list[Erratum]:
    """The errata of these tables, or of `BOUNDS`."""
    return [one for one in ERRATA if {*one.subjects} & {*subjects}]
