"""The tokenizers of the tiny models."""

from __future__ import annotations

from r1lite.models.tiny import build_tokenizer
from r1lite.text.response import TAGS

TEXTS = ["我住在杭州。", "I live in Hangzhou.", '{"city":"杭州"}'] * 20
UNSEEN = "Ünseen 北京\n\t<think>1992</think> 🙂"


def test_bytes_are_tokens_one_by_one() -> None:
    assert len(build_tokenizer()("Hangzhou 杭")["input_ids"]) == len("Hangzhou 杭".encode())


def test_a_trained_tokenizer_makes_frequent_words_one_token_and_can_still_write_anything() -> None:
    trained = build_tokenizer(TEXTS, vocabulary=400)
    assert len(trained("Hangzhou")["input_ids"]) < len("Hangzhou")
    assert len(trained("杭州")["input_ids"]) < len("杭州".encode())
    for text in (*TEXTS[:3], UNSEEN):
        assert trained.decode(trained(text)["input_ids"]) == text


def test_tags_stay_one_token_and_the_vocabulary_has_the_size_that_was_asked_for() -> None:
    trained = build_tokenizer(TEXTS, vocabulary=270)
    assert [len(trained(tag)["input_ids"]) for tag in TAGS] == [1] * len(TAGS)
    assert len(trained) == 270 + 5 + len(TAGS)  # the roles, padding and the end are tokens of their own


def test_the_same_texts_give_the_same_tokenizer() -> None:
    once, again = (build_tokenizer(TEXTS, vocabulary=400).get_vocab() for _ in range(2))
    assert once == again
