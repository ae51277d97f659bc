"""The model cards of the story's versions."""

from __future__ import annotations

CARD = {
    "overview": "Reads one handwritten digit from a grey image of 8 × 8 pixels. A small convolutional network.",
    "intended_use": "Pre-sorting of scanned forms on which people wrote digits into boxes; a person sees every doubtful one.",
    "out_of_scope_use": "Amounts of money without a second reading, signatures, other alphabets, photographs.",
    "limitations": "Fails on rotated, darkened or cropped images; see the monitoring. Digits of 8 × 8 pixels only.",
    "ethical_considerations": "People with unsteady handwriting are misread more often; they must be able to correct the result.",
    "training_data": "1,197 of the 1,797 handwritten digits that come with scikit-learn.",
    "evaluation_data": "600 held-out digits of the same source, stratified by digit, never used for training or for stopping.",
    "metrics": "Accuracy, because all digits cost the same; recall of the worst digit, because a form has all of them.",
    "monitoring": "The share of each digit among the answers, checked whenever observations arrive; an alert takes the approval "
    "back, and the risk manager rolls back to the version before.",
    "licence": "Apache-2.0",
    "contact": "The team's shared mailbox.",
}
REVISED = CARD | {
    "limitations": CARD["limitations"] + " Sevens with a bar were not sampled separately, so nothing is known of them."
}
