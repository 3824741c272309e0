"""Questions that people ask, answered sentence by sentence from the records."""

from __future__ import annotations

from ldn_evidence.publish.plugin.pages.evidence import by
from ldn_evidence.publish.plugin.pages.page import NoSuchRecord, Page, Request
from ldn_evidence.publish.plugin.pages.reader import Reader, Row, items


def list_page(reader: Reader, request: Request) -> Page:
    """`/questions`."""
    rows = reader.rows("questions")
    return Page(
        "questions.html",
        "Questions",
        f"{len(rows)} questions that clinicians and patients ask about low-dose naltrexone, answered from the records.",
        {"rows": rows},
    )


def question_page(reader: Reader, request: Request) -> Page:
    """`/questions/<id>`: the short answer, then each sentence with what it rests on."""
    identifier = request.variables["id"]
    question = reader.row("question", id=identifier)
    if question is None:
        raise NoSuchRecord(identifier)
    evidence: dict[str, list[Row]] = by(reader.rows("question_evidence", id=identifier), "sentence")
    sentences = [
        {**row, "evidence": evidence.get(row["position"], [])}
        for row in reader.rows("question_sentences", id=identifier)
    ]
    return Page(
        "question.html",
        question["question"],
        question["short_answer"],
        {
            "question": question,
            "sentences": sentences,
            "conditions": reader.rows("question_conditions", id=identifier),
            "open_questions": items(question["open_questions"]),
        },
        linked_data={
            "@type": "QAPage",
            "mainEntity": {
                "@type": "Question",
                "name": question["question"],
                "answerCount": 1,
                "acceptedAnswer": {
                    "@type": "Answer",
                    "text": " ".join([question["short_answer"], *(row["sentence"] for row in sentences)]),
                },
            },
        },
        alternates=((f"/api/v1/questions/{identifier}", "application/json", "This question as JSON"),),
    )
