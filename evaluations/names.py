"""What checks, measures and units are called: tables that a new check adds its words to.

A name that stands in no table is shown in its own words, so that nothing measured is ever hidden.
"""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# In the order in which people read them.
CHECKS: dict[str, tuple[str | Promise, str | Promise]] = {
    "performance": (
        gettext_lazy("Performance"),
        gettext_lazy("How often the model is right, or how far it is off: over all rows, and part by part."),
    ),
    "calibration": (
        gettext_lazy("Calibration"),
        gettext_lazy("Whether its probabilities mean what they say, beside what chance alone would show."),
    ),
    "slices": (
        gettext_lazy("Parts of the data"),
        gettext_lazy("Each part against all other rows; what stands out by chance among many parts is taken off."),
    ),
    "fairness": (
        gettext_lazy("Groups"),
        gettext_lazy("Whether groups are treated alike; each interval holds for all pairs of groups at once."),
    ),
    "comparison": (
        gettext_lazy("Beside the version in production"),
        gettext_lazy("This version minus the one in production, row by row on the same data."),
    ),
    "robustness": (
        gettext_lazy("Robustness to damage"),
        gettext_lazy("What remains of the answers when rows are damaged, more and more severely."),
    ),
    "adversarial": (
        gettext_lazy("Robustness to attack"),
        gettext_lazy("What remains of the answers when somebody changes the rows on purpose, a little."),
    ),
    "explanation": (gettext_lazy("Explanation"), gettext_lazy("Which inputs the answers rest on, and whether that holds.")),
    "stability": (gettext_lazy("Stability"), gettext_lazy("Whether the same rows get the same answers in other circumstances.")),
    "privacy": (gettext_lazy("Privacy"), gettext_lazy("Whether the answers give away which rows the model learned from.")),
    "overlap": (
        gettext_lazy("Overlap with the training data"),
        gettext_lazy("How many of the rows measured on were learned from; numbers on such rows flatter."),
    ),
    "prediction_distribution": (
        gettext_lazy("Distribution of the predictions"),
        gettext_lazy("What the answers look like on this data: monitoring holds production against it."),
    ),
    "resources": (gettext_lazy("Resources"), gettext_lazy("What the model needs to run, on the worker's machine.")),
}
# The measure that a check's heading names; the first that was measured.
HEADLINES = {
    "performance": ("accuracy", "rmse", "mae", "macro_f1", "micro_f1", "ndcg"),
    "calibration": ("ece",),
    "slices": ("weak_slices",),
    "fairness": ("demographic_parity_difference",),
    "comparison": ("accuracy_change", "mae_change", "label_accuracy_change"),
    "robustness": ("mean_corrupted_accuracy", "mean_corrupted_label_accuracy"),
    "adversarial": ("robust_accuracy", "robust_label_accuracy"),
    "explanation": ("completeness_gap",),
    "stability": ("changed_predictions",),
    "privacy": ("membership_auc", "membership_auc_few_rows"),
    "overlap": ("overlap_share",),
    "resources": ("latency_p50", "parameters"),
}
MOST_FIRST = {"fairness", "stability", "overlap"}  # of several parts the greatest is furthest off, not the smallest
NAMES: dict[str, str | Promise] = {
    "accuracy": gettext_lazy("Accuracy"),
    "balanced_accuracy": gettext_lazy("Balanced accuracy"),
    "macro_f1": gettext_lazy("Macro F1"),
    "weighted_f1": gettext_lazy("Weighted F1"),
    "mcc": gettext_lazy("Matthews correlation"),
    "kappa": gettext_lazy("Cohen's kappa"),
    "top_k_accuracy": gettext_lazy("Top-k accuracy"),
    "log_loss": gettext_lazy("Log-loss"),
    "brier_score": gettext_lazy("Brier score"),
    "precision": gettext_lazy("Precision"),
    "recall": gettext_lazy("Recall"),
    "f1": gettext_lazy("F1"),
    "sensitivity": gettext_lazy("Sensitivity"),
    "specificity": gettext_lazy("Specificity"),
    "ppv": gettext_lazy("Positive predictive value"),
    "npv": gettext_lazy("Negative predictive value"),
    "auroc": gettext_lazy("Area under the ROC curve"),
    "macro_auroc": gettext_lazy("Mean area under the ROC curves"),
    "average_precision": gettext_lazy("Average precision"),
    "macro_average_precision": gettext_lazy("Mean average precision of the classes"),
    "expected_value": gettext_lazy("Expected value of a row"),
    "subset_accuracy": gettext_lazy("Rows with all labels right"),
    "hamming_loss": gettext_lazy("Share of wrong labels"),
    "micro_precision": gettext_lazy("Precision over all labels"),
    "micro_recall": gettext_lazy("Recall over all labels"),
    "micro_f1": gettext_lazy("F1 over all labels"),
    "macro_precision": gettext_lazy("Mean precision of the labels"),
    "macro_recall": gettext_lazy("Mean recall of the labels"),
    "rmse": gettext_lazy("Root mean squared error"),
    "mae": gettext_lazy("Mean absolute error"),
    "bias": gettext_lazy("Mean error (predicted minus true)"),
    "r2": gettext_lazy("R²"),
    "pearson": gettext_lazy("Pearson's correlation"),
    "median_ae": gettext_lazy("Median absolute error"),
    "p95_ae": gettext_lazy("95th percentile of the absolute error"),
    "mape": gettext_lazy("Mean absolute percentage error"),
    "pinball_loss": gettext_lazy("Pinball loss"),
    "interval_coverage": gettext_lazy("Rows within the predicted interval"),
    "ndcg": gettext_lazy("NDCG"),
    "mrr": gettext_lazy("Mean reciprocal rank"),
    "map": gettext_lazy("Mean average precision of the queries"),
    "queries_without_relevant": gettext_lazy("Queries without a relevant row"),
    "mean_probability": gettext_lazy("Mean probability"),
    "latency_p50": gettext_lazy("Median latency"),
    "latency_p95": gettext_lazy("Latency at the 95th percentile"),
    "latency_p99": gettext_lazy("Latency at the 99th percentile"),
    "throughput": gettext_lazy("Throughput"),
    "parameters": gettext_lazy("Number of parameters"),
    "weight_bytes": gettext_lazy("Size of the weights"),
    "peak_memory": gettext_lazy("Peak memory"),
    "clean_accuracy": gettext_lazy("Accuracy on unchanged rows"),
    "clean_label_accuracy": gettext_lazy("Right labels on unchanged rows"),
    "clean_rmse": gettext_lazy("RMSE on unchanged rows"),
    "corrupted_accuracy": gettext_lazy("Accuracy on damaged rows"),
    "corrupted_label_accuracy": gettext_lazy("Right labels on damaged rows"),
    "corrupted_rmse": gettext_lazy("RMSE on damaged rows"),
    "mean_corrupted_accuracy": gettext_lazy("Mean accuracy over five severities"),
    "mean_corrupted_label_accuracy": gettext_lazy("Mean share of right labels over five severities"),
    "mean_corrupted_rmse": gettext_lazy("Mean RMSE over five severities"),
    "relative_drop": gettext_lazy("Share lost to damage"),
    "relative_rise": gettext_lazy("Rise of the error through damage"),
    "mean_relative_drop": gettext_lazy("Mean share lost over five severities"),
    "mean_relative_rise": gettext_lazy("Mean rise of the error over five severities"),
    "robust_accuracy": gettext_lazy("Accuracy under attack"),
    "robust_label_accuracy": gettext_lazy("Right labels under attack"),
    "robust_rmse": gettext_lazy("RMSE under attack"),
    "unbounded_accuracy": gettext_lazy("Accuracy under changes of any size"),
    "unbounded_label_accuracy": gettext_lazy("Right labels under changes of any size"),
    "unbounded_rmse": gettext_lazy("RMSE under changes of any size"),
    "masking_signs": gettext_lazy("Signs that the gradient hides something"),
    "completeness_gap": gettext_lazy("Part of the change that the explanation misses"),
    "importance": gettext_lazy("Importance"),
    "erased_accuracy": gettext_lazy("Accuracy without"),
    "erased_label_accuracy": gettext_lazy("Right labels without"),
    "erased_rmse": gettext_lazy("RMSE without"),
    "deletion_gap": gettext_lazy("What important positions cost beyond random ones"),
    "deletion_gap_rmse": gettext_lazy("RMSE that important positions cost beyond random ones"),
    "rerun_differences": gettext_lazy("Rows answered otherwise when asked again"),
    "greatest_change": gettext_lazy("Greatest change of an answer"),
    "changed_predictions": gettext_lazy("Rows predicted otherwise"),
    "membership_auc": gettext_lazy("Recognition of training rows by their loss"),
    "membership_auc_few_rows": gettext_lazy("Recognition of training rows by their loss, on too few rows"),
    "members_found": gettext_lazy("Training rows found"),
    "members_found_few_rows": gettext_lazy("Training rows found, on too few rows"),
    "exchangeability_auc": gettext_lazy("Training and evaluation told apart without the model"),
    "rule_fired": gettext_lazy("Rule of the distribution fired"),
    "overlap_share": gettext_lazy("Rows that stand in the training data"),
    "training_share": gettext_lazy("Training rows that stand in the evaluation"),
    "duplicate_share": gettext_lazy("Rows that repeat another"),
    # calibration
    "miscalibration": gettext_lazy("Miscalibration (part of the Brier score)"),
    "discrimination": gettext_lazy("Discrimination (part of the Brier score)"),
    "uncertainty": gettext_lazy("Uncertainty (part of the Brier score)"),
    "ece": gettext_lazy("Expected calibration error"),
    "ece_by_chance": gettext_lazy("Calibration error that chance exceeds once in twenty"),
    "ece_p_value": gettext_lazy("p-value of the calibration error"),
    "ece_squared_debiased": gettext_lazy("Squared calibration error, debiased"),
    "spiegelhalter_z": gettext_lazy("Spiegelhalter's Z"),
    "spiegelhalter_p_value": gettext_lazy("p-value of Spiegelhalter's Z"),
    "temperature": gettext_lazy("Best temperature (reported, not applied)"),
    # slices
    "worse_by": gettext_lazy("Shortfall against all other rows"),
    "label_accuracy": gettext_lazy("Share of labels that are right"),
    "weak_slices": gettext_lazy("Weak parts"),
    "compared_slices": gettext_lazy("Parts compared"),
    "insufficient_slices": gettext_lazy("Parts with too few rows"),
    "insufficient_rows": gettext_lazy("Too few rows to compare"),
    # fairness
    "demographic_parity_difference": gettext_lazy("Demographic parity difference"),
    "demographic_parity_ratio": gettext_lazy("Demographic parity ratio"),
    "equalised_odds_difference": gettext_lazy("Equalised odds difference"),
    "equalised_odds_ratio": gettext_lazy("Equalised odds ratio"),
    "selection_rate": gettext_lazy("Share predicted"),
    "true_positive_rate": gettext_lazy("True positive rate"),
    "false_positive_rate": gettext_lazy("False positive rate"),
    "compared_groups": gettext_lazy("Groups compared"),
    "insufficient_groups": gettext_lazy("Groups with too few rows"),
    # comparison
    "mse": gettext_lazy("Mean squared error"),
    "churn": gettext_lazy("Changed predictions"),
    "mean_shift": gettext_lazy("Mean change of an answer"),
    "mcnemar_p_value": gettext_lazy("p-value of McNemar's test"),
    "mcnemar_exact_p_value": gettext_lazy("p-value of McNemar's exact test"),
    "gained_rows": gettext_lazy("Rows that became right"),
    "lost_rows": gettext_lazy("Rows that became wrong"),
}
METHODS = {
    "jeffreys": gettext_lazy("Jeffreys interval"),
    "wilson": gettext_lazy("Wilson interval"),
    "normal": gettext_lazy("Normal interval"),
    "order statistics": gettext_lazy("Order statistics"),
    "counted": gettext_lazy("Counted, not estimated"),
    "mover": gettext_lazy("Interval from those of both sides (MOVER)"),
    "newcombe": gettext_lazy("Newcombe interval"),
    "ratio of wilson": gettext_lazy("Interval of a ratio, from Wilson's"),
    "bonett-price": gettext_lazy("Bonett-Price interval for pairs"),
    "delong": gettext_lazy("DeLong interval"),
    "student": gettext_lazy("Student interval"),
    "welch": gettext_lazy("Welch interval"),
}

BY_CLASS = {"precision", "recall", "f1", "auroc", "average_precision", "mean_probability"}
# What was done to the rows, or which of several it was: the label follows a colon.
TREATED = (
    "clean_",
    "corrupted_",
    "mean_corrupted_",
    "relative_",
    "mean_relative_",
    "robust_",
    "unbounded_",
    "erased_",
    "greatest_",
    "changed_",
    "rule_",
    "members_",
    "overlap_",
    "training_",
    "duplicate_",
)
BY_COLUMN = ("demographic_parity_", "equalised_odds_", "compared_groups", "insufficient_groups")
UNITS = {
    "throughput": "rows/s",
    "parameters": "parameters",
    "weight_bytes": "bytes",
    "peak_memory": "bytes",
    **dict.fromkeys(("mcc", "kappa", "brier_score", "importance", "greatest_change"), "score"),
    **dict.fromkeys(("miscalibration", "discrimination", "uncertainty", "ece_squared_debiased", "spiegelhalter_z"), "score"),
    **dict.fromkeys(
        ("mae", "mse", "rmse", "bias", "r2", "pearson", "median_ae", "p95_ae", "pinball_loss", "mean_shift"), "score"
    ),
    **dict.fromkeys(("membership_auc_few_rows", "members_found_few_rows"), "proportion"),
    "log_loss": "nats",
    "temperature": "factor",
    "worse_by": "points",
    **dict.fromkeys(("gained_rows", "lost_rows", "insufficient_rows"), "rows"),
    **dict.fromkeys(("masking_signs", "rerun_differences", "rule_fired", "compared_groups", "insufficient_groups"), "count"),
    **dict.fromkeys(("weak_slices", "compared_slices", "insufficient_slices"), "count"),
}

CHECK_OF_CHART = {"confusion": "performance", "recall": "performance", "precision": "performance"}


def rank(check: str) -> tuple[int, str]:
    """The place of a check among others: in the order of the table, unknown ones behind it by name, resources last."""
    known = list(CHECKS)
    last = len(known) + 1 if check == "resources" else len(known)
    return (known.index(check) if check in CHECKS and check != "resources" else last, check)


def check_title(check: str) -> str:
    """A check's heading; of one that stands in no table, its own name in words."""
    return str(CHECKS[check][0]) if check in CHECKS else check.replace("_", " ").capitalize()


def measure_title(metric: str) -> str:
    """A measure's name: "Matthews correlation", "Change of accuracy"; of an unknown one, its own name in words."""
    if metric in NAMES:
        return str(NAMES[metric])
    if metric.endswith("_change") and metric.removesuffix("_change") in NAMES:
        return _("Change: %(what)s") % {"what": NAMES[metric.removesuffix("_change")]}
    return metric.replace("_", " ").capitalize()


def unit_of(metric: str) -> str:
    """The unit that a measure is recorded in; a share, where nothing else is known."""
    if metric in UNITS:
        return UNITS[metric]
    if metric.endswith("_change"):
        unit = unit_of(metric.removesuffix("_change"))
        return "points" if unit == "proportion" else unit
    for ending, unit in (("p_value", "p"), ("_rmse", "score"), ("_bytes", "bytes"), ("_rows", "rows"), ("_count", "count")):
        if metric.endswith(ending):
            return unit
    return "seconds" if metric.startswith("latency") else "proportion"
