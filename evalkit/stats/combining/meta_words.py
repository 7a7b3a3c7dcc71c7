"""What is said of a meta-analysis: method, sentence and notes."""

from __future__ import annotations

from evalkit.stats.combining.heterogeneity import Spread

FEW_SITES = 5

_NAMES = {
    "REML": "restricted maximum likelihood",
    "DL": "DerSimonian and Laird",
    "ML": "maximum likelihood",
    "PM": "Paule and Mandel",
    "SJ": "Sidik and Jonkman",
    "HE": "Hedges",
}
_PREDICTIONS = {
    "t": "prediction interval t with k - 2 and the plain standard error (Higgins et al. 2009)",
    "z": "prediction interval from the normal distribution",
    "hartung-knapp": "prediction interval t with the degrees of freedom of the average",
}


def method_words(
    method: str, knapp: bool | str, prediction: str, *, moderated: bool, predicted: bool
) -> str:
    """Return the sentence that names the method."""
    if method == "EE":
        return "Common-effect meta-analysis by inverse variances, normal distribution."
    text = f"Random-effects {'meta-regression' if moderated else 'meta-analysis'}, tau squared by "
    text += _NAMES[method]
    if knapp is False:
        text += ", normal distribution"
    else:
        kind = "modified Hartung-Knapp" if knapp == "modified" else "Hartung-Knapp"
        text += f", {kind} standard error and t distribution"
    text += "; tau squared limits by the Q profile"
    return text + (f"; {_PREDICTIONS[prediction]}." if predicted else ".")


def sentence(
    k: int,
    estimate: tuple[float, float, float] | None,
    prediction: tuple[float, float] | None,
    level: float,
    r2: float | None,
) -> str:
    """Return the finding in words."""
    per_cent = f"{100 * level:g}%"
    if estimate is None:
        share = "" if r2 is None else f" and account for {r2:.0f}% of how much effects differ"
        return f"Effects of {k} sites were set against moderators, which go with them{share}; that does not show that they cause it."
    middle, low, high = estimate
    text = (
        f"Over {k} sites the average effect is {middle:.3g} ({per_cent} interval {low:.3g} to "
        f"{high:.3g})."
    )
    if prediction is None:
        return text
    return (
        f"{text} In a new site like these it would be expected between {prediction[0]:.3g} and "
        f"{prediction[1]:.3g}."
    )


def notes(
    k: int, spread: Spread, method: str, knapp: bool | str, q: float, asked: bool | str
) -> list[str]:
    """Return what limits a reading of the result."""
    found = []
    if k < FEW_SITES:
        found.append(
            f"{k} sites are too few (below {FEW_SITES}) to tell how much effects differ between "
            "sites: read each site's own estimate, the interval and the prediction, not tau squared"
        )
    if method == "EE":
        found.append("One effect is taken as common to all sites; how they differ is left out")
        if asked is not False:
            found.append("Hartung-Knapp does not apply to a common effect and was not used")
    elif spread.tau2 == 0:
        reach = f": its interval reaches {spread.high:.3g}" if spread.high else ""
        found.append(f"A tau squared of 0 does not show that sites are alike{reach}")
    if spread.empty:
        found.append(
            "Effects differ less than chance alone would have them: the interval of tau squared "
            "is put at 0 to 0; look for variances that are too large, or sites counted twice"
        )
    if knapp is True and q < 1:
        found.append(
            f"The Hartung-Knapp factor is {q:.3f}, below 1, and makes the standard error smaller; "
            "hartung_knapp='modified' does not let it"
        )
    if k < 3 and method != "EE":
        found.append("No prediction interval: it needs three sites or more")
    return found


def moderator_notes(k: int, columns: int) -> list[str]:
    """Return what limits a reading of moderators."""
    found = ["Sites were not assigned to moderators: what goes with the effect need not cause it"]
    if k < 10 * columns:
        found.append(
            f"{k} sites for {columns} moderator(s): with fewer than 10 sites each they are easily "
            "overread"
        )
    return found
