"""What stands on every page, in every answer and in every export; the warning comes first."""

WARNING = (
    "Naltrexone, at any dose, blocks opioid pain medicines "
    "and can bring on sudden withdrawal in people who use them."
)
NOT_ADVICE = "Not medical advice: a tier says how strong the evidence is, not what anyone should take."
NOTICE = f"{WARNING} {NOT_ADVICE}"
