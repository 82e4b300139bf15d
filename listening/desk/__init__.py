"""What people keep beside the feedback: tags, status, who cares for it, notes, labels, searches."""

from listening.desk.entries import Change, Correction, Desk, Entry, by_person, by_value
from listening.desk.labels import correct, disagreements, label_queue, labelled, take_back
from listening.desk.searches import Saved, Searches

__all__ = [
    "Change",
    "Correction",
    "Desk",
    "Entry",
    "Saved",
    "Searches",
    "by_person",
    "by_value",
    "correct",
    "disagreements",
    "label_queue",
    "labelled",
    "take_back",
]
