"""What each row shows, in plain words: one sentence for methods that fare alike under one loss."""

from __future__ import annotations

import re
from dataclasses import dataclass

from benchmarks.losing.methods import Method
from benchmarks.losing.trials import Loss

ALIKE = r"^(complete cases, baseline|imputed|weighted|reference-based, MAR)"
CARRIED = r"^reference-based, (J2R|CR|CIR|LMCF)"
MATCHED = r"^imputed, "


@dataclass(frozen=True, slots=True)
class Reading:
    """A sentence for the losses and methods whose words match; the first that fits is read.

    `right` says that the row with more people must be neither biased nor too narrow, `wrong` that it
    must be one of them; a page that says otherwise is out of date.
    """

    losses: str
    methods: str
    text: str
    right: bool = False
    wrong: bool = False


READINGS = (
    Reading(
        "^Nobody", "^reference",
        "With nobody lost there is nothing to impute, and the call refuses.",
    ),
    Reading(
        "^Nobody", "",
        "Nobody is lost, so these are one analysis, without the baseline or with it; imputing, weighting "
        "and bounding do no harm.",
        right=True,
    ),
    Reading(
        "", "^worst",
        "Holds whoever was lost and whatever they would have answered, as nothing is assumed; the price is "
        "that it hardly ever finds anything when three in ten are lost.",
        right=True,
    ),
    Reading(
        "^By chance", CARRIED,
        "These suppose that people lost from the programme no longer have the benefit, or only part of it. "
        "Here they kept it, so the answer is too small, by design: it is what would be left if they had not.",
    ),
    Reading(
        "^By chance", "^Lee",
        "As many are lost from each arm, so hardly anybody is trimmed; that the shares seen differ by chance "
        "is allowed for, which makes the interval wider than need be: safe.",
        right=True,
    ),
    Reading(
        "^By chance", "",
        "People lost by chance leave others like themselves, so each of these is right; what is lost is "
        "precision, and the middle wave gives a little of it back.",
        right=True,
    ),
    Reading(
        "^By the baseline", "^complete cases, no",
        "Those seen no longer started alike, and the difference takes that for the effect: never compare "
        "those seen without what was known of them at the start.",
        wrong=True,
    ),
    Reading(
        "^By the baseline", CARRIED,
        "What the loss hung on is in the model. The answer is smaller than the effect by design, as those "
        "lost are supposed to have lost the benefit, or part of it; without an effect it is right or nearly so.",
    ),
    Reading(
        r"^By the baseline \(MAR", MATCHED,
        "Nearly right with many people. With few, matching has nobody like those lost to take scores from, takes "
        "them from people who started nearer to the middle, and leaves part of the bias of comparing those "
        "seen. The same is true of matching elsewhere; the normal model and the adjusted difference do not "
        "have it.",
    ),
    Reading(
        r"^By the baseline \(MAR", "^Lee bounds$",
        "The arms lose as many people but of opposite kinds: the programme brings some back and loses "
        "others, which Lee's bounds suppose it does not, and they miss the truth.",
        wrong=True,
    ),
    Reading(
        r"^By the baseline \(MAR", "^Lee bounds, less",
        "Once the part of the score that the baseline foretells is taken out, who was lost has nothing to do "
        "with what is left, so the bounds hold.",
        right=True,
    ),
    Reading(
        r"^By the baseline \(MAR", "",
        "What the loss hung on, the baseline, is in the adjustment, the weights or the model, so these are "
        "right; adjusting for it is enough here.",
        right=True,
    ),
    Reading(
        "^By the baseline and", "^Lee",
        "The arms lose as many people but of opposite kinds, partly for what the baseline does not tell: the "
        "supposition of Lee's bounds fails, and being bounds does not save them.",
    ),
    Reading(
        "^By the baseline and", r"^imputed, baseline and",
        "The middle wave is used, and most of the bias goes. Not all: matching has few people like those "
        "lost to take scores from, fewer the fewer people there are; the normal model does not need them.",
    ),
    Reading(
        "^By the baseline and", r"^(imputed by|reference-based, MAR)",
        "The middle wave, on which the loss hung, is used, so these are right.",
        right=True,
    ),
    Reading(
        "^By the baseline and", "^weighted, baseline and",
        "The middle wave is used, and nearly all of the bias goes. A little is left, as a few people like "
        "those lost stand for all of them, the largest weights are trimmed and the model of the weights is "
        "logistic where the loss was not; it costs width, above all with few people.",
    ),
    Reading(
        "^By the baseline and", "",
        "The loss hung on the middle wave, and these do not use it: they are as wrong as if nothing had been "
        "done. Hand over every wave that was seen.",
        wrong=True,
    ),
    Reading(
        "^By the outcome itself", "^reference-based, MAR|^complete|^imputed|^weighted",
        "Who left hung on the answer they did not give. Every method that takes those lost to be like those "
        "seen is wrong, and its interval says nothing of that; the middle wave takes only a part away. This "
        "is what the tipping point is for.",
        wrong=True,
    ),
    Reading(
        "^By the outcome itself", CARRIED,
        "Nearer to the effect than imputing under MAR, but by luck: what is taken off for a benefit that was "
        "in truth kept makes up for the worse scores of those who left. Without an effect nothing is taken "
        "off, and one is found that is not there: none of these protects against people leaving because "
        "they do badly.",
    ),
    Reading(
        "^By the outcome itself, in", "^Lee",
        "Each arm loses as many, so that hardly anybody is trimmed, but those lost are of different kinds, "
        "which Lee's bounds suppose they are not: equal shares of loss do not make a comparison fair.",
        wrong=True,
    ),
    Reading(
        "^By the outcome itself, from", "^Lee",
        "Being in the programme only ever loses people, as Lee's bounds suppose, so they hold whatever made "
        "them leave; they are wide, as nothing else is supposed.",
        right=True,
    ),
    Reading(
        "^Those lost", "J2R",
        "What jump to reference supposes is what happened, and it is right; its interval is wider than need "
        "be, as it keeps the uncertainty that the loss brought.",
        right=True,
    ),
    Reading(
        "^Those lost", CARRIED,
        "These leave those lost a part of the benefit, above all those seen at the middle wave, where half of "
        "it was there; all of it was gone, so they come out somewhat too large.",
    ),
    Reading(
        "^Those lost", "^Lee",
        "Of those seen in either arm, who kept the benefit, so the truth is the whole effect, and it is held.",
        right=True,
    ),
    Reading(
        "^Those lost", "",
        "These answer another question, what the effect would be had nobody been lost and everybody kept the "
        "benefit (0.4); as an answer about everybody assigned it is too large.",
        wrong=True,
    ),
)  # fmt: skip


def reading(loss: Loss, method: Method) -> Reading:
    """Return what to say of a method under a loss."""
    return next(
        one
        for one in READINGS
        if re.search(one.losses, loss.name) and re.search(one.methods, method.words)
    )


GUIDE = (
    ("complete cases", "protect against nothing but chance. Adjusted for the baseline, also against a loss "
     "that hangs on the baseline alone."),
    ("multiple imputation", "protects against a loss that hangs on what is imputed from: hand over every wave "
     "and whatever foretells who leaves. It does not protect against people leaving because of the answer "
     "they would have given. Matching (the default) keeps the values possible but cannot reach beyond those "
     "seen: with fewer than some hundreds of people an arm and a loss that leans strongly to one side, look at "
     "`method=\"norm\"` beside it."),
    ("attrition weights", "protect against the same loss as imputing, if the same is handed over; they need "
     "what the loss hangs on to be known of everybody, and give up some precision."),
    ("reference-based", "answers a question of its own: what everybody assigned gained, if those lost from the "
     "programme went on as the comparison did (J2R, CR, CIR) or stayed where they were (LMCF). Not a "
     "protection against losing those who do badly, in particular where there is no effect."),
    ("tipping point", "assumes nothing of why people left: it says how much worse those lost must have done "
     "for the finding to go. Whether that is likely is for people to judge."),
    ("Lee bounds", "protect against any loss that goes in one direction: being in the programme keeps people "
     "or loses them, but not both. Equal shares of loss in the arms are no proof of that. They speak of those "
     "who would be seen in either arm."),
    ("worst-case bounds", "protect against everything, and can rarely say anything beyond a few in a hundred "
     "lost."),
)  # fmt: skip
