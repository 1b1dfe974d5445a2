"""What the study of autoencoders found: what they merge, keep, repeat and cause."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from numeric.studies.account import Account, Section, Told, chosen, interval, said_interval, values
from numeric.studies.running import Row, Tables


def autoencoder_account(tables: Tables, no_fashion: str | None = None) -> Account:
    """Tell what autoencoders find, beside features of weights.

    Args:
        tables: with the rows of all parts.
        no_fashion: why Fashion-MNIST is not among the data, if it is not.
    """
    told = [
        _merging(tables),
        _replacing(tables),
        _stability(tables, no_fashion),
        _sources(tables),
        _switching(tables),
    ]
    return Account(
        title="Autoencoders beside features of the weights",
        lead=(
            "Sparse autoencoders (TopK and L1) were trained on hidden states: of planted networks, "
            "whose features are known, and of networks trained on MNIST. Features of the weights "
            "were read from the same networks. Who finds what, who keeps more of the network at "
            "equal numbers, and who finds the same again?"
        ),
        speaks_for=[said for one in told for said in one.speaks_for],
        speaks_against=[said for one in told for said in one.speaks_against],
        sections=[one.section for one in told],
        tables=tables,
        pictures={
            "merging": lambda: merging_picture(tables["merging"]),
            "replacing": lambda: replacing_picture(tables["replacing"]),
        },
    )


def _merging(tables: Tables) -> Told:
    rows, weights = tables["merging"], tables["weights"]
    often = max(values(rows, "together"))
    apart, merged = "apart by direction", "merged by direction"
    table: list[list[str]] = []
    good: list[str] = []
    bad: list[str] = []
    kinds = list(dict.fromkeys((row["method"], row["penalty"]) for row in rows))
    for method, penalty in kinds:
        for together in sorted(set(values(rows, "together"))):
            found = chosen(rows, method=method, penalty=penalty, together=together)
            names = (apart, merged, "apart by activation", "merged by activation", "active")
            figures = [said_interval(values(found, name), ".2f") for name in names]
            table.append([_called(method, penalty), f"{together:g}", *figures])
    for method, penalty in [kind for kind in kinds if kind[0] != "L1"] + _best_penalty(rows):
        none, most = (
            chosen(rows, method=method, penalty=penalty, together=share) for share in (0.0, often)
        )
        sentence = (
            f"{_called(method, penalty)}: of pairs that fire independently "
            f"{np.mean(values(none, apart)):.0%} are found apart and "
            f"{np.mean(values(none, merged)):.0%} merged; of pairs that have {often:.0%} of their "
            f"firing in common {said_interval(values(most, apart), '.0%')} are found apart and "
            f"{said_interval(values(most, merged), '.0%')} merged."
        )
        worse = interval(values(none, apart))[1] > interval(values(most, apart))[2]
        (good if worse else bad).append(sentence)
    for method in dict.fromkeys(row["method"] for row in weights):
        found = chosen(weights, method=method)
        table.append([method, "any", f"{np.mean(values(found, 'recall')):.2f}", *["–"] * 4])
    recall = min(values(weights, "recall"))
    (good if recall == 1 else bad).append(
        f"Features of the weights do not see the data, and find {recall:.0%} of the planted ones "
        "at least, however often they fire together."
    )
    bad.append(
        "These networks were made so that their weights determine the features, and fewer than "
        "there are inputs; where they do not, features of the weights are not the planted ones "
        "either (the study of planted truth)."
    )
    words = (
        "16 features in eight pairs, which the network reads each by itself; magnitudes are "
        "independent. A pair is apart if a latent goes with each of the two, and merged if it is "
        "not, but one goes with their sum: by direction from a cosine of 0.95, by activation from "
        "a correlation of 0.9 on states in which all fire independently. On average "
        f"{np.mean(values(rows, 'true active')):.2f} features are active; of L1 the sentence above "
        "is about the penalty that finds most apart where all fire independently."
    )
    judged = ("apart", "merged", "apart by activation", "merged by activation")
    columns = ("method", "in common", *judged, "active")
    return Told(Section("What is merged", [words], columns, table, "merging"), good, bad)


def _called(method: str, penalty: float | None) -> str:
    return method if penalty is None else f"{method}, penalty {penalty:g}"


def _best_penalty(rows: Sequence[Row]) -> list[tuple[str, float]]:
    """Return the penalty that serves L1 best where pairs fire independently."""
    means = {
        row["penalty"]: np.mean(
            values(chosen(rows, penalty=row["penalty"], together=0.0), "apart by direction")
        )
        for row in rows
        if row["penalty"] is not None
    }
    return [("L1", max(means, key=means.__getitem__))] if means else []


def _replacing(tables: Tables) -> Told:
    rows = tables["replacing"]
    table: list[list[str]] = []
    good: list[str] = []
    bad: list[str] = []
    keys = dict.fromkeys((row["depth"], row["bond"]) for row in rows)
    for depth, bond in keys:
        here = chosen(rows, depth=depth, bond=bond)
        groups: dict[tuple[str, int], list[Row]] = {}
        for row in here:
            groups.setdefault((row["method"], round(row["active"])), []).append(row)
        for (method, count), found in sorted(groups.items()):
            figures = [said_interval(values(found, name), ".4f") for name in _KEPT]
            table.append([str(depth), str(bond), method, str(count), *figures])
        for count in sorted({number for method, number in groups if method == "TopK"}):
            latent = groups.get(("TopK", count), [])
            component = groups.get(("components, weights alone", count), [])
            if latent and component:
                one, other = (np.mean(values(some, "agreement")) for some in (latent, component))
                (good if other >= one else bad).append(
                    f"Depth {depth}, state {bond}, {count} numbers: the class stays on "
                    f"{one:.2%} of the test images with TopK, and on {other:.2%} with as many "
                    "components of the canonical basis, from the weights alone."
                )
    table += [
        [
            str(row["depth"]),
            "all",
            "shared features",
            str(row["features"]),
            f"{row['agreement']:.4f}",
            "–",
        ]
        for row in tables["whole graphs"]
    ]
    accuracies = ", ".join(
        f"{row['accuracy']:.2%} at depth {row['depth']}" for row in tables["networks"]
    )
    words = (
        "The share of test images whose class stays when a hidden state is replaced: by the "
        "reconstruction of an autoencoder, by the components of the canonical basis that the "
        "outputs draw most from, or by principal components of the data. An autoencoder chooses "
        "anew for every image which of its latents are active, components are always the same. "
        "A graph of shared features is another matter: it replaces the layers themselves, where "
        f"all else here keeps both. The networks label {accuracies} of the test images correctly."
    )
    columns = ("depth", "state", "method", "numbers", "agreement", "unexplained")
    return Told(Section("What is kept", [words], columns, table, "replacing"), good, bad)


_KEPT = ("agreement", "unexplained")


def _stability(tables: Tables, no_fashion: str | None) -> Told:
    rows = tables["stability"]
    methods = list(dict.fromkeys(row["method"] for row in rows))
    others = list(dict.fromkeys(row["other"] for row in rows))
    table = [
        [
            other,
            *(
                said_interval(values(chosen(rows, method=m, other=other), "cosine"))
                for m in methods
            ),
        ]
        for other in others
    ]
    good: list[str] = []
    bad: list[str] = []
    for other in others:
        latent, control = (
            values(chosen(rows, method=method, other=other), "cosine") for method in methods[:2]
        )
        above = interval(latent)[1] > interval(control)[2]
        sentence = (
            f"Autoencoders against {other}: directions match with a mean cosine of "
            f"{said_interval(latent)}, random ones of the data's covariance with "
            f"{said_interval(control)}: {'more than' if above else 'no more than'} chance."
        )
        (bad if above else good).append(sentence)
    good.append("Features of the weights are the same whatever the data, as none are looked at.")
    bad.append(
        "Across networks that were trained apart features of the weights do not stay the same "
        "either: how like they are is measured by the study of papers."
    )
    how = (
        "Mean cosine of directions matched one to one. The control that counts has the data's "
        "covariance; beside white directions everything looks like success."
    )
    words = [how]
    if no_fashion is not None:
        words.append(f"Fashion-MNIST is not among the data: {no_fashion}.")
    return Told(Section("What is found again", words, ("other", *methods), table), good, bad)


def _sources(tables: Tables) -> Told:
    rows = tables["sources"]
    names = [name for name in rows[0] if name not in {"method", "seed", "latents"}]
    methods = list(dict.fromkeys(row["method"] for row in rows))
    table = [
        [
            name,
            *(
                said_interval(values(chosen(rows, method=method), name), ".2f")
                for method in methods
            ),
        ]
        for name in names
    ]
    latent, control = (values(chosen(rows, method=method), "next layer") for method in methods)
    more = interval(latent)[1] > interval(control)[2]
    sentence = (
        f"Features of the next layer explain {said_interval(latent, '.0%')} of latents better than "
        f"those of their own, and {said_interval(control, '.0%')} of random directions: "
        f"{'more than' if more else 'no more than'} chance."
    )
    words = (
        "Shares of latents, at depth 2, by what explains more than half of their variance over the "
        "test images; and medians of the share that is explained. Random directions have the "
        "states' covariance and fire as often."
    )
    section = Section("Whose feature a latent is", [words], ("", *methods), table)
    return Told(section, [sentence] if more else [], [] if more else [sentence])


def _switching(tables: Tables) -> Told:
    rows = tables["switching"]
    methods = list(dict.fromkeys(row["method"] for row in rows))
    table = [
        [
            method,
            *(
                said_interval(values(chosen(rows, method=method), name), ".1e")
                for name in ("first order", "polynomial")
            ),
        ]
        for method in methods
    ]
    latent, weight = (values(chosen(rows, method=method), "first order") for method in methods)
    exact = [max(values(chosen(rows, method=method), "polynomial")) for method in methods]
    by_weights = (
        "What switching a feature of the weights off does is predicted by the polynomial but for "
        f"{exact[1]:.0e} of it."
    )
    by_latents = (
        f"So is what switching a latent off does, but for {exact[0]:.0e}: a merit of bilinear "
        "layers, not of where the features come from."
    )
    by_slopes = (
        f"Predicted to the first order, as attributions are, {np.mean(latent):.0%} of the effect "
        f"is left over for latents and {np.mean(weight):.0%} for features of the weights."
    )
    words = (
        "The logit of the predicted class when a latent or a feature is taken away: which share of "
        "the measured effects, as a norm, a prediction leaves."
    )
    columns = ("", "left by the first order", "left by the polynomial")
    return Told(
        Section("What is predicted", [words], columns, table), [by_weights], [by_latents, by_slopes]
    )


def merging_picture(rows: Sequence[Row]) -> Figure:
    """Draw how many pairs are found apart, and merged, by how often they fire together.

    Args:
        rows: of :func:`numeric.studies.merging.merging_rows`.
    """
    figure = Figure(figsize=(7, 3), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2, sharey=True), ("apart", "merged"), strict=True):
        for method in dict.fromkeys(row["method"] for row in rows):
            places = sorted(set(values(chosen(rows, method=method), "together")))
            ends = np.array(
                [
                    interval(
                        values(chosen(rows, method=method, together=x), f"{name} by direction")
                    )
                    for x in places
                ]
            )
            reach = np.clip(np.stack([ends[:, 0] - ends[:, 1], ends[:, 2] - ends[:, 0]]), 0, 1)
            axes.errorbar(places, ends[:, 0], reach, marker=".", capsize=2, label=method)
        axes.set(title=f"pairs {name}", xlabel="firing in common", ylim=(-0.05, 1.05))
        axes.grid(visible=True, alpha=0.3)
    figure.axes[0].axhline(1, color="tab:gray", linestyle=":", label="weights")
    figure.axes[0].legend(fontsize=8)
    return figure


def replacing_picture(rows: Sequence[Row]) -> Figure:
    """Draw how many classes change when a hidden state is replaced, by how many numbers stay.

    Args:
        rows: of :func:`numeric.studies.replacing.replacing_rows`.
    """
    keys = list(dict.fromkeys((row["depth"], row["bond"]) for row in rows))
    figure = Figure(figsize=(3.4 * len(keys) + 1, 3.2), layout="constrained")
    for axes, (depth, bond) in zip(
        figure.subplots(1, len(keys), squeeze=False, sharey=True)[0], keys, strict=True
    ):
        here = chosen(rows, depth=depth, bond=bond)
        for method in dict.fromkeys(row["method"] for row in here):
            found = chosen(here, method=method)
            changed = [max(100 * (1 - row["agreement"]), 5e-3) for row in found]
            axes.plot(values(found, "active"), changed, ".", label=method)
        axes.set(title=f"depth {depth}, state {bond}", xlabel="numbers", yscale="log")
        axes.grid(visible=True, which="both", alpha=0.3)
    figure.axes[0].set_ylabel("changed predictions (%)")
    figure.axes[0].legend(fontsize=7)
    return figure
